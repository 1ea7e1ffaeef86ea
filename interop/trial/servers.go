package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/webdav"
)

// servers are those of one plugin's test, and the files that they serve.
type servers struct {
	ctx   context.Context
	dir   string
	trial *trial
	stops []func() error
}

// stop ends them, the last first.
func (s *servers) stop() error {
	var err error
	for i := len(s.stops) - 1; i >= 0; i-- {
		err = errors.Join(err, s.stops[i]())
	}
	return err
}

// empty is a new folder, for everybody to write into.
func (s *servers) empty() (string, error) {
	dir, err := os.MkdirTemp(s.dir, "place-")
	return dir, errors.Join(err, os.Chmod(dir, 0o777))
}

// source is a folder with 30 files, some of them larger than 512 KiB.
func (s *servers) source() (string, error) {
	dir, err := s.empty()
	for i := range 30 {
		name := filepath.Join(dir, fmt.Sprintf("folder-%d", i%3), fmt.Sprintf("file %d.txt", i))
		content := bytes.Repeat(fmt.Appendf(nil, "line %d\n", i), 1+1000*i*i/4)
		err = errors.Join(err, os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, content, 0o644))
	}
	return dir, err
}

// tarball is the source as a tar.
func (s *servers) tarball() (string, error) {
	dir, err := s.source()
	if err != nil {
		return "", err
	}
	name := dir + ".tar"
	file, err := os.Create(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	w := tar.NewWriter(file)
	return name, errors.Join(w.AddFS(os.DirFS(dir)), w.Close())
}

// start starts a program that is to answer at a port, and is ended with SIGTERM.
func (s *servers) start(port, name string, args ...string) error {
	// Debian keeps servers where only root's PATH looks.
	path, err := exec.LookPath(name)
	if err != nil {
		path = filepath.Join("/usr/sbin", name)
	}
	var said bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = &said, &said, s.dir
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY=trialkey", "ROOT_SECRET_KEY=trialsecretkey") // of versitygw
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	s.stops = append(s.stops, func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			return cmd.Process.Kill()
		}
		return nil
	})
	for range 600 {
		if conn, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			return conn.Close()
		}
		select {
		case <-ended:
			return fmt.Errorf("%s ended: %s", name, strings.TrimSpace(said.String()))
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s does not answer", name)
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}

func (s *servers) sftp() ([]connector, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	key, hostKey := filepath.Join(s.dir, "key"), filepath.Join(s.dir, "host-key")
	for _, file := range []string{key, hostKey} {
		if err := command(s.ctx, s.dir, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file); err != nil {
			return nil, err
		}
	}
	config := filepath.Join(s.dir, "sshd_config")
	text := fmt.Sprintf("ListenAddress 127.0.0.1\nPort %s\nHostKey %s\nAuthorizedKeysFile %s.pub\nStrictModes no\nUsePAM no\n"+
		"PidFile none\nPermitRootLogin yes\nMaxStartups 200\nMaxSessions 200\nSubsystem sftp internal-sftp\n", port, hostKey, key)
	if err := errors.Join(os.WriteFile(config, []byte(text), 0o600), os.MkdirAll("/run/sshd", 0o755)); err != nil {
		return nil, err
	}
	if err := s.start(port, "/usr/sbin/sshd", "-D", "-e", "-f", config); err != nil {
		return nil, err
	}
	source, err := s.source()
	if err != nil {
		return nil, err
	}
	dir, err := s.empty()
	user := os.Getenv("USER")
	if user == "" {
		user = "root"
	}
	at := func(path string) []string {
		return []string{"location=sftp://" + user + "@127.0.0.1:" + port + path, "identity=" + key, "insecure_ignore_host_key=true"}
	}
	return []connector{
		{name: "importer:sftp", settings: at(source)}, {name: "exporter:sftp", settings: at(dir)},
		{name: "storage:sftp", settings: at(dir + "/store")},
	}, err
}

func (s *servers) webdav() ([]connector, error) {
	source, err := s.source()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: &webdav.Handler{FileSystem: webdav.Dir(s.dir), LockSystem: webdav.NewMemLS()}}
	go func() { _ = server.Serve(listener) }()
	s.stops = append(s.stops, server.Close)
	dir, err := s.empty()
	at := func(path string) []string {
		return []string{"location=dav://" + listener.Addr().String() + "/" + filepath.Base(path), "insecure=true"}
	}
	return []connector{{name: "importer:dav", settings: at(source)}, {name: "exporter:dav", settings: at(dir)}}, err
}

func (s *servers) s3() ([]connector, error) {
	gateway := filepath.Join(s.dir, "versitygw")
	if err := command(s.ctx, filepath.Join(s.trial.root, "interop", "trial"), "go", "build", "-o", gateway,
		"github.com/versity/versitygw/cmd/versitygw"); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	source, err := s.source()
	if err != nil {
		return nil, err
	}
	// The buckets that are written to are the connectors' to make: one that is a folder from before has no owner, and the
	// gateway knows whose bucket it is by what it keeps beside it.
	buckets, kept := filepath.Join(s.dir, "buckets"), filepath.Join(s.dir, "kept")
	if err := errors.Join(os.CopyFS(filepath.Join(buckets, "source"), os.DirFS(source)), os.Mkdir(kept, 0o755)); err != nil {
		return nil, err
	}
	if err := s.start(port, gateway, "--port", "127.0.0.1:"+port, "posix", "--sidecar", kept, buckets); err != nil {
		return nil, err
	}
	at := func(path string) []string {
		return []string{"location=s3://127.0.0.1:" + port + "/" + path, "access_key=trialkey", "secret_access_key=trialsecretkey",
			"use_tls=false"}
	}
	return []connector{
		{name: "importer:s3", settings: at("source")}, {name: "exporter:s3", settings: at("written")},
		{name: "storage:s3", settings: at("stores")},
	}, nil
}

// tables are what the databases hold.
const tables = `CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(100));
INSERT INTO people VALUES (1, 'Ada'), (2, 'Grace'), (3, 'Barbara');
CREATE TABLE places (id INTEGER PRIMARY KEY, name VARCHAR(100));
INSERT INTO places VALUES (1, 'here'), (2, 'there');
`

func (s *servers) mariadb() ([]connector, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	data, socket := filepath.Join(s.dir, "data"), filepath.Join(s.dir, "socket")
	if err := command(s.ctx, s.dir, "mariadb-install-db", "--no-defaults", "--user=root", "--datadir="+data,
		"--auth-root-authentication-method=normal"); err != nil {
		return nil, err
	}
	if err := s.start(port, "mariadbd", "--no-defaults", "--user=root", "--datadir="+data, "--socket="+socket,
		"--bind-address=127.0.0.1", "--port="+port, "--pid-file="+filepath.Join(s.dir, "pid")); err != nil {
		return nil, err
	}
	sql := "CREATE USER trial@'127.0.0.1' IDENTIFIED BY 'trialpassword'; GRANT ALL ON *.* TO trial@'127.0.0.1'; " +
		"CREATE DATABASE source; CREATE DATABASE other; USE source; " + tables
	if err := command(s.ctx, s.dir, "mariadb", "--no-defaults", "--user=root", "--socket="+socket, "-e", sql); err != nil {
		return nil, err
	}
	sample, err := s.empty()
	// Such dumps drop what is there first, as a restore over it needs.
	err = errors.Join(err, command(s.ctx, s.dir, "mariadb-dump", "--no-defaults", "--user=root", "--socket="+socket,
		"--result-file="+filepath.Join(sample, "other.sql"), "source"))
	at := func(database string) []string {
		return []string{"location=mysql+mariadb://trial@127.0.0.1:" + port + "/" + database, "password=trialpassword"}
	}
	return []connector{
		{name: "importer:mysql+mariadb", settings: at("source")},
		{name: "exporter:mysql+mariadb", settings: at("other"), sample: sample},
	}, err
}

func (s *servers) postgresql() ([]connector, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		return nil, errors.New("postgresql is not installed: on Debian, apt-get install postgresql")
	}
	bin, data := filepath.Dir(found[len(found)-1]), filepath.Join(s.dir, "data")
	as := func(name string, args ...string) (string, []string) { return name, args }
	if os.Getuid() == 0 { // it refuses to run as root
		if err := os.Chmod(s.dir, 0o777); err != nil {
			return nil, err
		}
		as = func(name string, args ...string) (string, []string) {
			return "/sbin/runuser", append([]string{"-u", "postgres", "--", name}, args...)
		}
	}
	name, args := as(bin+"/initdb", "--auth=trust", "--username=trial", "--pgdata="+data)
	if err := command(s.ctx, s.dir, name, args...); err != nil {
		return nil, err
	}
	name, args = as(bin+"/postgres", "-D", data, "-p", port, "-h", "127.0.0.1", "-k", s.dir)
	if err := s.start(port, name, args...); err != nil {
		return nil, err
	}
	psql := func(database, sql string) error {
		return command(s.ctx, s.dir, "psql", "-h", "127.0.0.1", "-p", port, "-U", "trial", "-d", database, "-v", "ON_ERROR_STOP=1",
			"-c", sql)
	}
	for range 100 { // it answers before it takes connections
		if err = psql("postgres", "SELECT 1"); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err := errors.Join(err, psql("postgres", "CREATE DATABASE source"), psql("postgres", "CREATE DATABASE other"),
		psql("source", tables)); err != nil {
		return nil, err
	}
	sample, err := s.empty()
	err = errors.Join(err, command(s.ctx, s.dir, bin+"/pg_dump", "-h", "127.0.0.1", "-p", port, "-U", "trial", "-Fc", "-f",
		filepath.Join(sample, "other.dump"), "source"))
	at := func(database string) []string {
		return []string{"location=postgres://trial@127.0.0.1:" + port + "/" + database, "ssl_mode=disable"}
	}
	return []connector{
		{name: "importer:postgres", settings: at("source")},
		// Without clean it refuses what is there.
		{name: "exporter:postgres", settings: append(at("other"), "clean=true"), sample: sample},
	}, err
}
