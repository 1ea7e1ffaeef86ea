// Package interop runs plakar's released client against packages that kpkg made of the examples, and records what the
// two make of packages that are wrong.
package interop

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

var update = flag.Bool("update", false, "write the golden files")

// patience is how long a program may take. The longest needs a tenth of it on a loaded machine.
const patience = 2 * time.Minute

var (
	tools rig.Tools
	// packages are files of packages of the examples, made by kpkg for this machine; functions make them once, for who needs them.
	packages struct {
		ftp, fs, fsOne string
		sftp, s3       func() (string, error)
	}
	s3Program func() (string, error) // builds the S3 server once, for who needs it: that takes a minute where nothing is cached
)

func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv(installFrom) != "" { // which needs no tools
		os.Exit(m.Run())
	}
	rig.PassSignals()
	status, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		status = 1
	}
	os.Exit(status)
}

func runTests(m *testing.M) (status int, err error) {
	dir, err := os.MkdirTemp("", "kpkg-interop-*")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ctx := context.Background()
	if tools, err = rig.BuildTools(ctx, dir); err != nil {
		return 1, err
	}
	s3Program = sync.OnceValues(func() (string, error) { return rig.BuildS3Server(ctx, dir) })
	if packages.ftp, err = createExample(ctx, dir, "ftp", "ftp"); err != nil {
		return 1, err
	}
	if packages.fs, err = createExample(ctx, dir, "fs", "fs-plugin"); err != nil {
		return 1, err
	}
	if packages.fsOne, err = createExample(ctx, dir, filepath.Join("fs", "one"), "fs-one"); err != nil {
		return 1, err
	}
	packages.sftp = sync.OnceValues(func() (string, error) { return createExample(ctx, dir, "sftp", "sftp") })
	packages.s3 = sync.OnceValues(func() (string, error) { return createExample(ctx, dir, "s3", "s3") })
	return m.Run(), nil
}

// createExample makes the package of an example with kpkg, in dir.
func createExample(ctx context.Context, dir, example, name string) (string, error) {
	manifest := filepath.Join(rig.Root(), "examples", example, "manifest.yaml")
	file := filepath.Join(dir, packageName(name))
	result, err := rig.Run(ctx, tools.Kpkg, "create", manifest, "v0.1.0", "-o", file)
	if err == nil && result.Status != 0 {
		err = fmt.Errorf("kpkg create %s: %v", manifest, result)
	}
	return file, err
}

// packageName is the file name of version 0.1.0 of a package for this machine.
func packageName(name string) string {
	return fmt.Sprintf("%s_v0.1.0_%s_%s.ptar", name, runtime.GOOS, runtime.GOARCH)
}

// newClient is a client that has installed the packages. It fails the test if a plugin outlives it.
func newClient(t *testing.T, packages ...string) *rig.Client {
	t.Helper()
	client, err := tools.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := waitForPlugins(client); err != nil {
			t.Error(err)
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, file := range packages {
		must(t, client, "pkg", "add", file)
	}
	return client
}

// waitForPlugins waits until no plugin runs. A plugin ends soon after its client, not before it.
func waitForPlugins(client *rig.Client) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		running, err := client.Running()
		if err != nil || len(running) == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("plugins outlived their client: %q", running)
		}
	}
}

// runClient runs a command of the client.
func runClient(t *testing.T, client *rig.Client, args ...string) rig.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	result, err := client.Run(ctx, args...)
	if err != nil {
		t.Fatalf("%q: %v\n%v", args, err, result)
	}
	return result
}

// must runs a command of the client that has to succeed.
func must(t *testing.T, client *rig.Client, args ...string) rig.Result {
	t.Helper()
	result := runClient(t, client, args...)
	for range 2 {
		if !endedTooSoon(result) {
			break
		}
		result = runClient(t, client, args...)
	}
	if result.Status != 0 {
		t.Fatalf("%q: %v", args, result)
	}
	return result
}

// endedTooSoon tells of a restore that the client itself broke off: with all that was to be restored written it may end while
// Snapshot.Export still tells of the last file, seldom, and on a busy machine (kloset v1.1.3, events.go).
func endedTooSoon(result rig.Result) bool {
	return strings.Contains(result.Stderr, "panic: send on closed channel") &&
		strings.Contains(result.Stderr, "snapshot.(*Snapshot).Export.func")
}

// startFTPServer starts a server that ends with the test.
func startFTPServer(t *testing.T, directives ...string) *rig.Server {
	t.Helper()
	server, err := rig.StartFTPServer(directives...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}
