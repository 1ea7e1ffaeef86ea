package host_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/PlakarKorp/kloset/connectors"

	"github.com/PlakarKorp/kpkg/host"
)

// rootWith is a root file system with one program, /plugin/NAME.
func rootWith(t *testing.T, program string) (root, path string) {
	t.Helper()
	root = t.TempDir()
	for _, folder := range []string{"plugin", "tmp", "dev", "proc", "etc", "run/plakar"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(root, 0o755), os.WriteFile(filepath.Join(root, "etc/passwd"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(root, "plugin", filepath.Base(program))
	build := exec.Command("go", "build", "-o", path, program)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return root, path
}

// eachWay tests containers that this program makes, and those of crun.
func eachWay(t *testing.T, test func(t *testing.T, crun string)) {
	crun, err := exec.LookPath("crun")
	if err != nil {
		t.Fatal(err, "(Debian's package crun has it)")
	}
	t.Run("kpkg", func(t *testing.T) { test(t, "") })
	t.Run("crun", func(t *testing.T) { test(t, crun) })
}

// TestContainer has a plugin say what it can do in a container, over the socket that it was asked to serve.
func TestContainer(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter2secret")
	root, path := rootWith(t, "./testdata/contained")
	eachWay(t, func(t *testing.T, crun string) { contained(t, root, path, crun) })
}

// TestContainerAsUser is TestContainer for a user who is not root, and has no numbers of others.
func TestContainerAsUser(t *testing.T) {
	const prepared = "KPKG_TEST_CONTAINED"
	if path := os.Getenv(prepared); path != "" {
		eachWay(t, func(t *testing.T, crun string) { contained(t, filepath.Dir(filepath.Dir(path)), path, crun) })
		return
	}
	if os.Geteuid() != 0 {
		return // TestContainer is this
	}
	_, path := rootWith(t, "./testdata/contained")
	program, err := os.ReadFile(os.Args[0])
	if err == nil {
		err = os.Chmod(filepath.Dir(t.TempDir()), 0o755) // the folder of all temporary ones of the test
	}
	copied := filepath.Join(t.TempDir(), "test")
	if err := errors.Join(err, os.WriteFile(copied, program, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(copied, "-test.run", "^TestContainerAsUser$", "-test.v")
	cmd.Env, cmd.Dir = append(os.Environ(), prepared+"="+path), "/"
	const nobody = 65534
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS: TestContainerAsUser/crun") {
		t.Errorf("%v\n%s", err, out)
	}
}

func contained(t *testing.T, root, path, crun string) {
	var printed lines
	p, err := host.Start(t.Context(), path, host.Options{
		Container: &host.Container{Root: root, Env: []string{"HOME=/tmp"}, Crun: crun}, Args: []string{"importer"}, Stderr: &printed,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Importer(t.Context(), &connectors.Options{}, "x", map[string]string{"outside": path})
	if err == nil {
		t.Fatal("it says nothing")
	}
	for _, want := range []string{
		"uid 65532 of 65532; args [importer]; home /tmp; secret \"\"", "CapPrm: 0000000000000000", "CapEff: 0000000000000000",
		"CapBnd: 0000000000000000", "CapAmb: 0000000000000000", "NoNewPrivs: 1",
		"/x read-only file system", "/plugin/x read-only file system", "/etc/passwd read-only file system", "/dev/x read-only file system",
		"/tmp/x <nil>", "/dev/null <nil>", "setuid refused true", "mount operation not permitted", "outside true",
	} {
		wantError(t, err, want)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(printed.String(), "printed by main") {
		t.Errorf("printed %q", printed.String())
	}
	if left, _ := filepath.Glob(filepath.Join(root, "*", "x")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

// TestContainerForeign starts, in a container, a program that says what is not the protocol: it is not started again outside to find
// out which of its packages did.
func TestContainerForeign(t *testing.T) {
	root, path := rootWith(t, "./testdata/foreign")
	eachWay(t, func(t *testing.T, crun string) {
		_, err := host.Start(t.Context(), path, host.Options{Container: &host.Container{Root: root, Crun: crun}})
		wantError(t, err, "it wrote")
		if _, err := os.Lstat(path + ".ran"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("it has run outside of its container: %v", err)
		}
	})
}

// TestContainerImporter has an importer end with its host in a container, and ends another by a signal.
func TestContainerImporter(t *testing.T) {
	root, path := rootWith(t, "../sdk/internal/minimal/light")
	eachWay(t, func(t *testing.T, crun string) { endsContained(t, root, path, crun) })
}

func endsContained(t *testing.T, root, path, crun string) {
	options := host.Options{Container: &host.Container{Root: root, Crun: crun}}
	p, err := host.Start(t.Context(), path, options)
	if err != nil {
		t.Fatal(err)
	}
	imp, err := p.Importer(t.Context(), &connectors.Options{MaxConcurrency: 1}, "x", map[string]string{"location": "x://y"})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(imp.Ping(t.Context()), imp.Close(t.Context()), p.Close()); err != nil {
		t.Error(err)
	}

	if p, err = host.Start(t.Context(), path, options); err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", p.Process().Pid)); err != nil || string(name) != "light\n" {
		t.Errorf("the plugin's process is %q, %v", name, err)
	}
	p.Process().Signal(syscall.SIGTERM)
	select {
	case <-p.Exited():
	case <-time.After(20 * time.Second):
		t.Error("it goes on after SIGTERM")
	}

	if p, err = host.Start(t.Context(), path, options); err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	p.Process().Kill()
	<-p.Exited()
	wantError(t, p.Cause(), "it ended with signal: killed")
	if p, err = host.Start(t.Context(), path, options); err != nil {
		t.Fatal(err)
	}
	plugin := p.Process().Pid
	p.Kill()
	if _, err := os.Stat(fmt.Sprintf("/proc/%d/exe", plugin)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the plugin outlives its host's Kill", err)
	}
}

// TestContainerFails says why a plugin does not serve in a container.
func TestContainerFails(t *testing.T) {
	root := t.TempDir()
	program := filepath.Join(root, "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	start := func(path string) error {
		_, err := host.Start(t.Context(), path, host.Options{Container: &host.Container{Root: root}, Timeout: 5 * time.Second})
		return err
	}
	wantError(t, start(program), "the image cannot be run here", "mounting")
	wantError(t, start(os.Args[0]), "is not in the image")
	for _, folder := range []string{"tmp", "dev", "proc", "run/plakar"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, start(program), "executing /program: no such file or directory")
}
