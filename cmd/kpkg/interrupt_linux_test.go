package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/internal/ptar"
	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/oci/ocitest"
)

// What docs/limits.md promises of ^C, with what a busy machine needs beyond that.
const (
	answerTime = 1*time.Second + 15*time.Second
	pluginTime = 3*time.Second + 15*time.Second
)

// TestInterrupt interrupts every command that can take long, in what takes long. Builds, and backups and restores in their
// middle, are in testdata/script, where there is more to look at afterwards.
func TestInterrupt(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	t.Parallel()
	base := t.TempDir()
	tree := filepath.Join(base, "tiny")
	tinyIntegration(t, tree)
	write := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(base, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// A plugin that listens to nothing, and neither does what it starts. Its own name says where it tells its process id.
	deaf := "#!/bin/sh\ntrap '' INT TERM HUP\nsleep 600 &\necho $! > $HOME/child\necho $$ > $HOME/pid\nwait\nsleep 600\n"
	write("tiny/tinyImporter", deaf, 0o755)
	create := exec.Command("kpkg", "create", tree, "v1.0.0", "--no-build", "--out-dir", base, "--quiet", "--no-cache")
	if out, err := create.CombinedOutput(); err != nil {
		t.Fatalf("kpkg create: %v\n%s", err, out)
	}
	pkg := filepath.Join(base, "tiny_v1.0.0_"+runtime.GOOS+"_"+runtime.GOARCH+".ptar")
	// A large file that begins as a ptar does, one that is packed, and programs that hang.
	large := write("large_v1.0.0_linux_amd64.ptar", ptar.Magic, 0o644)
	if err := os.Truncate(large, 8<<30); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(base, "big"), os.DirFS(tree)); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(base, "big/extra.txt"), 2<<30); err != nil {
		t.Fatal(err)
	}
	write("hung-go/go", "#!/bin/sh\ntrap '' INT TERM\nsleep 600\n", 0o755)
	write("hung-git/git", "#!/bin/sh\ntrap '' INT TERM\nsleep 30 &\necho $$ > $HOME/pid\nwait\n", 0o755) // what it starts is left alone
	pipe := filepath.Join(base, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	// A manifest whose judging takes as long as the limits allow, many times over.
	slow := write("slow/manifest.yaml", "name: slow\nconnectors:\n"+strings.Repeat("- {}\n", 3000), 0o644)
	many := strings.Repeat(" "+slow, 300)

	// A server that takes connections and never answers, and folders of one file each that takes long to read.
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	nowhere := silent.Addr().String()
	site := "http://" + silent.Addr().String()
	for _, name := range []string{"huge", "other"} {
		if err := os.Truncate(write(name+"/x", "the same", 0o644), 64<<30); err != nil {
			t.Fatal(err)
		}
	}

	release, key := registryOf(t, 1<<10)

	for _, test := range []struct {
		args string
		path string // what stands before PATH
	}{
		{"mirror https://" + nowhere + " --out-dir " + base + "/out", ""},
		{"mirror oci://" + nowhere + "/acme ftp --out-dir " + base + "/out2", ""},
		{"publish " + release + " oci://" + nowhere + "/acme", ""},
		{"install oci://" + nowhere + "/acme/big:v1.0.0 --root " + base + "/root", ""},
		{"install oci://" + nowhere + "/acme/big --root " + base + "/root", ""},
		{"install https://" + nowhere + "/big_v1.0.0_linux_amd64.ptar --root " + base + "/root --key " + key, ""},
		{"install big --registry https://" + nowhere + " --root " + base + "/root", ""},
		{"upgrade --registry https://" + nowhere + " --root " + base + "/root", ""},
		{"installed --registry https://" + nowhere + " --root " + base + "/root", ""},
		{"trust add https://" + nowhere + "/key.pub --scope local --root " + base + "/root", ""},
		{"inspect " + site + "/x.ptar", ""},
		{"ls " + site + "/x.ptar", ""},
		{"cat " + site + "/x.ptar x", ""},
		{"extract " + site + "/x.ptar -C " + base + "/out/x", ""},
		{"check " + site + "/x.ptar", ""},
		{"diff " + site + "/x.ptar " + tree, ""},
		{"diff " + base + "/huge " + base + "/other", ""},
		{"serve " + site + "/x.ptar", ""},
		{"try ls " + site + "/x.ptar", ""},
		{"verify " + site + "/tiny_v1.0.0_linux_amd64.ptar", ""},
		{"create " + site + "/recipe.yaml", ""},
		{"index --check " + site, ""},
		{"pack " + base + "/huge -o " + base + "/out/x.ptar", ""},
		{"pack " + tree + " --exclude-from " + pipe + " -o " + base + "/out/x.ptar", ""},
		{"pack " + tree + " --encrypt --passphrase-file " + pipe + " -o " + base + "/out/x.ptar", ""},
		{"pack " + tree + " --encrypt --passphrase-file - -o " + base + "/out/x.ptar", ""},
		{"ls -", ""},
		{"cat - x", ""},
		{"serve -", ""},
		{"install " + large + " --root " + base + "/root", ""},
		{"release " + tree + " v1.0.0 --allow release-commit --out-dir " + base + "/out --repository https://example.org/x", "hung-go"},
		{"validate" + many, ""},
		{"validate -", ""},
		{"matrix" + many, ""},
		{"create" + many, ""},
		{"create " + tree + " --dry-run", "hung-git"},
		{"create " + tree + " v1.0.0 --out-dir " + base + "/out", "hung-go"},
		{"create " + base + "/big v1.0.0 --no-build --out-dir " + base + "/out", ""},
		{"verify " + large, ""},
		{"verify --rebuild " + tree + " " + pkg, "hung-go"},
		{"test " + large, ""},
		{"test " + tree, "hung-go"},
		{"test " + pkg + " --config location=@" + pipe, ""},
		{"test " + pkg + " --connector exporter:tiny --config location=tiny:// --only plugin-starts", "deaf"},
		{"try backup " + pkg + " tiny:// key=@" + pipe + " -o " + base + "/data.ptar", ""},
		{"try backup " + pkg + " tiny:// -o " + base + "/data.ptar", "deaf"},
		{"try backup " + large + " tiny:// -o " + base + "/data.ptar", ""},
	} {
		short := test.args
		if at := strings.Index(short, many); at >= 0 {
			short = short[:at] + " MANIFEST..."
		}
		t.Run(strings.ReplaceAll(strings.ReplaceAll(short, base+"/", ""), "/", ":")+" "+test.path, func(t *testing.T) {
			var run running
			var took time.Duration
			for pause := 300 * time.Millisecond; ; pause *= 3 {
				run = startRunning(t, base, test.path, strings.Fields(test.args), pause)
				limit := answerTime
				if test.path == "deaf" {
					run.awaitFile(t, "pid")
					limit = pluginTime
				}
				run.interrupt(t)
				took = run.wait(t, limit)
				if !run.deaf() || pause > 5*time.Second {
					break
				}
			}
			if code := run.cmd.ProcessState.ExitCode(); code != exitFailed {
				t.Errorf("exit status %d\n%s", code, run.printed)
			}
			if !strings.Contains(run.printed.String(), "interrupted; nothing half-made was left behind") {
				t.Errorf("after %v it says\n%s", took, run.printed)
			}
			t.Logf("%v", took)
			for _, name := range []string{"pid", "child"} {
				if test.path == "deaf" && run.lives(t, name) {
					t.Errorf("the plugin's process of %s lives on", name)
				}
			}
			if made, _ := filepath.Glob(filepath.Join(base, "out", "*")); len(made) > 0 {
				t.Errorf("it leaves %v", made)
			}
			if left, _ := filepath.Glob(filepath.Join(run.home, "tmp", "*")); len(left) > 0 {
				t.Errorf("it leaves %v", left)
			}
		})
	}

	// Nor is a reader waited for that does not read, whatever prints: here, a list longer than a pipe holds.
	if err := os.Mkdir(filepath.Join(base, "many"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		write(fmt.Sprintf("many/%s%d", strings.Repeat("long", 40), i), "", 0o644)
	}
	pack := exec.Command("kpkg", "pack", filepath.Join(base, "many"), "-o", filepath.Join(base, "many.ptar"))
	if out, err := pack.CombinedOutput(); err != nil {
		t.Fatalf("kpkg pack: %v\n%s", err, out)
	}
	for _, args := range []string{"try ls many.ptar", "ls many.ptar"} {
		t.Run(args+" unread", func(t *testing.T) {
			var printed bytes.Buffer
			cmd := exec.Command("kpkg", strings.Fields(args)...)
			cmd.Dir, cmd.Stderr = base, &printed
			unread, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := unread.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(300 * time.Millisecond) // for the pipe to be full
			cmd.Process.Signal(os.Interrupt)
			killed := time.AfterFunc(answerTime, func() { cmd.Process.Kill() })
			defer killed.Stop()
			cmd.Wait() // which closes the pipe only once the command has ended
			if code := cmd.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(printed.String(), "interrupted;") {
				t.Errorf("it ends with %v\n%s", cmd.ProcessState, &printed)
			}
		})
	}

	// A second ^C does not wait for what the first one waits for: here, for what git has started.
	t.Run("twice", func(t *testing.T) {
		run := startRunning(t, base, "hung-git", []string{"create", tree, "--dry-run"}, 0)
		run.awaitFile(t, "pid") // so it listens
		run.interrupt(t)
		again := time.NewTicker(50 * time.Millisecond) // as a user does whom a busy machine keeps waiting
		defer again.Stop()
		go func() {
			for {
				select {
				case <-again.C:
					run.cmd.Process.Signal(os.Interrupt)
				case <-run.ended:
					return
				}
			}
		}()
		run.wait(t, answerTime)
		if !run.deaf() {
			t.Errorf("it ended with %v and not by the signal\n%s", run.cmd.ProcessState, run.printed)
		}
	})
}

// TestInterruptOCI interrupts a package on its way to an OCI registry, and from there: nothing of it is left, and the next run does all.
func TestInterruptOCI(t *testing.T) {
	raced.Skip(t, "it measures how soon kpkg ends")
	tree, key := registryOf(t, 4<<20)
	registry := ocitest.New(t)
	var stalls atomic.Bool
	stalled := make(chan struct{}, 1)
	between := &httputil.ReverseProxy{
		Transport: registry.Client.Transport,
		Rewrite:   func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "https", registry.Host },
		ModifyResponse: func(r *http.Response) error {
			if stalls.Load() && r.Request.Method == http.MethodGet && r.ContentLength > 1<<20 {
				stalled <- struct{}{}
				r.Body = &stalling{r.Body, r.Request.Context(), 1 << 20}
			}
			return nil
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if stalls.Load() && r.ContentLength > 1<<20 {
			stalled <- struct{}{}
			io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			return
		}
		between.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close) // after the commands have ended
	at := strings.Replace(server.URL, "http", "oci", 1) + "/acme"
	for _, line := range [][]string{
		{"publish", tree, at},
		{"install", at + "/big", "--key", key},
		{"install", at + "/big:v1.0.0", "--key", key, "--format", "json"},
	} {
		root := t.TempDir()
		if line[0] == "install" {
			line = append(line, "--root", root)
		}
		stalls.Store(true)
		run := startRunning(t, root, "", line, 0)
		select {
		case <-stalled:
		case <-run.ended:
		}
		run.interrupt(t)
		run.wait(t, answerTime)
		if code := run.cmd.ProcessState.ExitCode(); code != exitFailed {
			t.Errorf("kpkg %q: exit status %d", line, code)
		}
		if !strings.Contains(run.printed.String(), "interrupted; nothing half-made was left behind") {
			t.Errorf("kpkg %q says\n%s", line, run.printed)
		}
		if err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if strings.Contains(d.Name(), "big") {
				t.Errorf("kpkg %q leaves %s", line, path)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
		stalls.Store(false)
		again := exec.Command("kpkg", line...)
		again.Env = append(os.Environ(), "HOME="+run.home)
		if out, err := again.CombinedOutput(); err != nil {
			t.Fatalf("kpkg %q: %v\n%s", line, err, out)
		}
	}
}

// TestInterruptHelper interrupts what waits for a program that keeps credentials, and does not wait for what that has started.
func TestInterruptHelper(t *testing.T) {
	registry, dir := ocitest.New(t), t.TempDir()
	registry.User, registry.Password = "me", secret
	authority := filepath.Join(dir, "authority.pem")
	for path, content := range map[string]string{
		authority: string(registry.Certificate()), filepath.Join(dir, "config.json"): `{"credsStore": "hung"}`,
		filepath.Join(dir, "docker-credential-hung"): "#!/bin/sh\nsleep 600 2>/dev/null &\necho $! > $HOME/pid\nwait\n",
	} {
		if err := os.WriteFile(path, []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("DOCKER_CONFIG", dir)
	run := startRunning(t, dir, "", []string{"install", "oci://" + registry.Host + "/acme/x", "--ca-file", authority, "--root", dir}, 0)
	run.awaitFile(t, "pid")
	defer syscall.Kill(run.processID(t, "pid"), syscall.SIGKILL)
	run.interrupt(t)
	run.wait(t, answerTime)
	if !strings.Contains(run.printed.String(), "interrupted; nothing half-made was left behind") {
		t.Errorf("it says\n%s", run.printed)
	}
}

// stalling is a body that stays away after some bytes, until nobody waits for it any more.
type stalling struct {
	io.ReadCloser
	ctx  context.Context
	left int
}

func (s *stalling) Read(b []byte) (int, error) {
	if s.left == 0 {
		<-s.ctx.Done()
		return 0, context.Cause(s.ctx)
	}
	n, err := s.ReadCloser.Read(b[:min(len(b), s.left)])
	s.left -= n
	return n, err
}

// running is a command that runs.
type running struct {
	cmd     *exec.Cmd
	home    string
	printed *bytes.Buffer
	ended   chan struct{}
}

// startRunning returns when Go's runtime has begun to listen to signals, and kpkg had a while to do so and to begin its work.
func startRunning(t *testing.T, base, path string, args []string, while time.Duration) running {
	t.Helper()
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	r := running{exec.Command("kpkg", args...), home, new(bytes.Buffer), make(chan struct{})}
	r.cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CACHE_HOME="+home+"/cache", "TMPDIR="+home+"/tmp",
		"GIT_CEILING_DIRECTORIES="+base, "PATH="+filepath.Join(base, path)+":"+os.Getenv("PATH"))
	r.cmd.Stdout, r.cmd.Stderr = r.printed, r.printed
	input, err := r.cmd.StdinPipe() // which nobody writes to
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		r.cmd.Wait()
		input.Close()
		close(r.ended)
	}()
	t.Cleanup(func() { r.cmd.Process.Kill() })
	for !r.listens(t) {
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(while)
	return r
}

// deaf tells of a command that has ended that the signal itself ended it: kpkg did not listen, or no more.
func (r running) deaf() bool {
	status := r.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return status.Signaled() && status.Signal() == syscall.SIGINT
}

// listens tells whether the program catches SIGINT; proc_pid_status(5).
func (r running) listens(t *testing.T) bool {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, caught, _ := strings.Cut(string(status), "SigCgt:")
	caught, _, _ = strings.Cut(strings.TrimSpace(caught), "\n")
	mask, err := strconv.ParseUint(caught, 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	// Nothing outside tells when kpkg does: Go's runtime catches it from the start.
	return mask&(1<<(syscall.SIGINT-1)) != 0
}

func (r running) interrupt(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatalf("it has ended before: %v\n%s", err, r.printed)
	}
}

// wait returns how long the command took to end.
func (r running) wait(t *testing.T, limit time.Duration) time.Duration {
	t.Helper()
	begin := time.Now()
	select {
	case <-r.ended:
	case <-time.After(limit):
		r.cmd.Process.Signal(syscall.SIGQUIT)
		<-r.ended
		t.Fatalf("it has not ended after %v\n%s", limit, r.printed)
	}
	return time.Since(begin)
}

func (r running) awaitFile(t *testing.T, name string) {
	t.Helper()
	for r.processID(t, name) == 0 {
		select {
		case <-r.ended:
			t.Fatalf("it has ended before\n%s", r.printed)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (r running) processID(t *testing.T, name string) int {
	t.Helper()
	content, _ := os.ReadFile(filepath.Join(r.home, name))
	id, _ := strconv.Atoi(strings.TrimSpace(string(content)))
	return id
}

func (r running) lives(t *testing.T, name string) bool {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.processID(t, name)))
	return err == nil && !strings.Contains(string(stat), ") Z ") // ended, and not yet waited for; proc_pid_stat(5)
}
