package host

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestStageEnvironment looks at what this program gets before it is in the container: nothing that the image could steer it by.
func TestStageEnvironment(t *testing.T) {
	root := t.TempDir()
	for _, crun := range []string{"", "/usr/bin/crun"} {
		p := &Plugin{mark: newMark(), options: Options{
			Container: &Container{Root: root, Env: []string{"LD_PRELOAD=./x.so", "GODEBUG=inittrace=1"}, Crun: crun},
		}}
		if err := p.contain(filepath.Join(root, "program")); err != nil {
			t.Fatal(err)
		}
		defer p.sockets.Remove()
		for _, variable := range p.cmd.Env {
			if !slices.Contains([]string{markVariable + "=" + p.mark, containerPath}, variable) {
				t.Errorf("with crun %q, it gets %q", crun, variable)
			}
		}
	}
}

// TestDialSocket connects to a socket at a long path, and to nothing that a link leads to.
func TestDialSocket(t *testing.T) {
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	folder := filepath.Join(t.TempDir(), strings.Repeat("long", 40))
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	socket, link, file := filepath.Join(folder, "socket"), filepath.Join(folder, "link"), filepath.Join(folder, "file")
	if err := os.Symlink(listener.Addr().String(), link); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, file, socket} {
		if conn, err := dialSocket(context.Background(), path); err == nil {
			t.Errorf("connected to %s: %v", path, conn.RemoteAddr())
		}
	}
	if err := os.Rename(listener.Addr().String(), socket); err != nil {
		t.Fatal(err)
	}
	conn, err := dialSocket(context.Background(), socket)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}
