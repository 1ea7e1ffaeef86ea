//go:build unix

package sdk

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/objects"
)

// listening starts a plugin that is asked to serve a socket, with standard input and output as a container's are.
func listening(t *testing.T, connector, address string) *process {
	t.Helper()
	cmd := command(connector)
	p := &process{&plugin{stderr: &buffer{}}, cmd}
	cmd.Env = append(cmd.Env, "PLAKAR_PLUGIN_LISTEN="+address)
	cmd.Stdout, cmd.Stderr = p.stderr, p.stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return p
}

// dial connects as clients do: again and again, until somebody listens.
func dial(t *testing.T, path string) net.Conn {
	t.Helper()
	for start := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		conn, err := net.Dial("unix", path)
		if err == nil {
			return conn
		}
		if time.Since(start) > 30*time.Second {
			t.Fatal(err)
		}
	}
}

// onSocket is a plugin that serves a socket, with the stock host's client connected to it.
func onSocket(t *testing.T, connector string) (p *process, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "plugin.sock")
	p = listening(t, connector, "unix://"+path)
	p.ClientConn = connect(t, dial(t, path))
	t.Cleanup(func() { p.ClientConn.Close() })
	return p, path
}

// ends closes the connection, which ends the plugin with status 0.
func (p *process) ends(t *testing.T) {
	t.Helper()
	p.ClientConn.Close()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("plugin: %v, standard error: %s", err, p.stderr)
	}
}

// TestSocket has all three kinds of connectors at work over the socket that a client for containers names.
func TestSocket(t *testing.T) {
	root, content := tree(t)
	p, path := onSocket(t, "fs importer")
	imp := p.importer(t, "fis", map[string]string{"location": "fis://" + root})
	all, err := readAll(t.Context(), imp)
	if err != nil || len(all.errors) > 0 || len(all.content) != len(content) {
		t.Errorf("%d files of %d, errors %v, %v", len(all.content), len(content), all.errors, err)
	}
	for name, want := range content {
		if string(all.content[name]) != string(want) {
			t.Errorf("%s: %d bytes, want %d", name, len(all.content[name]), len(want))
		}
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	p.ends(t)

	restored := t.TempDir()
	p, _ = onSocket(t, "fs exporter")
	exp := p.exporter(t, "fis", map[string]string{"location": "fis://" + restored})
	outcomes, err := export(t.Context(), exp, root)
	for name, failure := range outcomes {
		if failure != nil {
			t.Errorf("%s: %v", name, failure)
		}
	}
	if err != nil || len(outcomes) < len(content) {
		t.Error(len(outcomes), err)
	}
	p.ends(t)

	p, _ = onSocket(t, "fs storage")
	store := p.storage(t, "fis", map[string]string{"location": "fis://" + filepath.Join(t.TempDir(), "store")})
	if err := store.Create(t.Context(), []byte("x")); err != nil {
		t.Fatal(err)
	}
	mac := objects.MAC{1}
	if _, err := store.Put(t.Context(), storage.StorageResourcePackfile, mac, strings.NewReader("packed")); err != nil {
		t.Error(err)
	}
	p.ends(t)
}

// TestSocketMode lets a host connect that is another user, while nobody has connected yet.
func TestSocketMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plugin.sock")
	p := listening(t, "talkative", "unix://"+path)
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		info, err := os.Lstat(path)
		if err == nil && info.Mode() == fs.ModeSocket|0o666 {
			break
		}
		if time.Since(start) > 30*time.Second {
			t.Fatal(info, err)
		}
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	wantExit(t, p.cmd.Wait(), 128+15)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// TestSocketEnds closes the connector when its host dies in the middle of an import, and when a signal comes.
func TestSocketEnds(t *testing.T) {
	for how, code := range map[string]int{"host dies": 0, "SIGTERM": 128 + 15} {
		t.Run(how, func(t *testing.T) {
			p, _ := onSocket(t, "talkative")
			imp := p.importer(t, "test", map[string]string{"then": "heed"})
			if err := imp.Ping(t.Context()); err != nil {
				t.Error(err)
			}
			if how == "SIGTERM" {
				p.cmd.Process.Signal(syscall.SIGTERM)
			} else {
				p.ClientConn.Close()
			}
			wantExit(t, p.cmd.Wait(), code)
			if !strings.Contains(p.stderr.String(), "closed") {
				t.Errorf("Close did not run: %s", p.stderr)
			}
		})
	}
}

func wantExit(t *testing.T, err error, code int) {
	t.Helper()
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		t.Error(err)
	}
	if got != code {
		t.Errorf("exit status %d, want %d", got, code)
	}
}

func TestSocketRefused(t *testing.T) {
	occupied := filepath.Join(t.TempDir(), "plugin.sock")
	if err := os.WriteFile(occupied, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"tcp://127.0.0.1:9000":                    `is "tcp://127.0.0.1:9000": only unix://PATH is known`,
		"/run/plakar/plugin.sock":                 "only unix://PATH is known",
		"unix://":                                 "only unix://PATH is known",
		"unix:///nowhere/plugin.sock":             "listen on /nowhere/plugin.sock, which PLAKAR_PLUGIN_LISTEN names: no such file",
		"unix://" + occupied:                      "address already in use",
		"unix:///tmp/" + strings.Repeat("x", 200): "invalid argument",
	} {
		p := listening(t, "fs importer", address)
		wantExit(t, p.cmd.Wait(), 1)
		if !strings.Contains(p.stderr.String(), want) {
			t.Errorf("%s: says %q, want %q", address, p.stderr, want)
		}
	}
	if info, err := os.Stat(occupied); err != nil || !info.Mode().IsRegular() {
		t.Errorf("what was at the socket's place is %v, %v", info, err)
	}
}
