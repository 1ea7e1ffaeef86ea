package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// The key that may do everything on an S3 server.
const (
	S3AccessKey = "interop"
	S3Secret    = "correct-horse"
)

// S3Server is versitygw, which keeps the objects of a bucket in the files of a folder, with TLS by an authority of its own.
type S3Server struct {
	*Server
	CAFile  string // the authority's certificate
	Buckets string // the folder that has a folder for each bucket
}

// BuildS3Server builds the server into dir, and returns its program.
func BuildS3Server(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "versitygw")
	return program, goBuild(ctx, filepath.Join(Root(), "interop", "trial"), program, "github.com/versity/versitygw/cmd/versitygw")
}

// StartS3Server starts the program that BuildS3Server has built, without a bucket, and waits until it answers.
func StartS3Server(program string) (*S3Server, error) {
	s := &S3Server{}
	var err error
	s.Server, err = startServer(program, s.configure)
	return s, err
}

// StartSmallS3Server is StartS3Server with its buckets on a disk of its own of size bytes, of which a file takes three quarters until
// GiveRoom removes it. Only the server's own process sees that disk.
func StartSmallS3Server(program string, size int64) (*S3Server, error) {
	s := &S3Server{}
	var err error
	s.Server, err = startServer("unshare", func(dir, port string) ([]string, error) {
		args, err := s.configure(dir, port)
		const script = `mount -t tmpfs -o size="$1" none "$2" && head -c "$3" /dev/zero >"$2/.taken" && shift 3 && exec "$@"`
		start := []string{"--map-root-user", "--mount", "sh", "-c", script, "sh", fmt.Sprint(size), s.Buckets, fmt.Sprint(size / 4 * 3), program}
		return append(start, args...), err
	})
	return s, err
}

// GiveRoom gives a small server the rest of its disk.
func (s *S3Server) GiveRoom() error {
	return os.Remove(filepath.Join("/proc", strconv.Itoa(s.process.Process.Pid), "root", s.Buckets, ".taken"))
}

func (s *S3Server) configure(dir, port string) ([]string, error) {
	key, kept := filepath.Join(dir, "key.pem"), filepath.Join(dir, "kept")
	s.CAFile, s.Buckets = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "buckets")
	return []string{
		"--port", "127.0.0.1:" + port, "--access", S3AccessKey, "--secret", S3Secret, "--cert", s.CAFile, "--key", key,
		"--keep-alive", "--quiet", "posix", "--sidecar", kept, s.Buckets,
	}, errors.Join(WriteCertificate(s.CAFile, key), os.Mkdir(s.Buckets, 0o755), os.Mkdir(kept, 0o755))
}

// Settings are those of examples/s3 for this server, each after the flag if there is one.
func (s *S3Server) Settings(flag string) []string {
	var all []string
	for _, setting := range []string{"access_key=" + S3AccessKey, "secret_access_key=" + S3Secret, "ca_file=" + s.CAFile} {
		if flag != "" {
			all = append(all, flag)
		}
		all = append(all, setting)
	}
	return all
}
