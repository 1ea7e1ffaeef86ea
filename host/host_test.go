package host_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PlakarKorp/integrations/fs/exporter"
	"github.com/PlakarKorp/integrations/fs/importer"
	"github.com/PlakarKorp/integrations/fs/storage"
	"github.com/PlakarKorp/kloset/connectors"

	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/sdk"
)

// TestMain makes the test's executable a plugin when its first argument is the name of one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if main, ok := plugins[os.Args[1]]; ok {
			os.Args = os.Args[:1]
			main()
			return
		}
	}
	os.Exit(m.Run())
}

type options = connectors.Options

// plugins are the mains of plugins.
var plugins = map[string]func(){
	"importer": func() { sdk.RunImporter(importer.NewFSImporter) },
	"exporter": func() { sdk.RunExporter(exporter.NewFSExporter) },
	"storage":  func() { sdk.RunStorage(storage.NewStore) },
	"silent":   func() { time.Sleep(time.Minute) },
	"gone": func() {
		fmt.Fprintln(os.Stderr, "first\ncannot find libfoo")
		os.Exit(7)
	},
	"refusing": func() {
		sdk.RunImporter(func(_ context.Context, _ *options, _ string, config map[string]string) (sdk.Importer, error) {
			return nil, fmt.Errorf("cannot log in with %s", config["password"])
		})
	},
	"dying": func() {
		sdk.RunImporter(func(context.Context, *options, string, map[string]string) (sdk.Importer, error) {
			fmt.Fprintln(os.Stderr, "out of luck")
			os.Exit(9)
			return nil, nil
		})
	},
	"hanging": func() {
		sdk.RunImporter(func(context.Context, *options, string, map[string]string) (sdk.Importer, error) {
			time.Sleep(time.Minute)
			return nil, nil
		})
	},
	"talking": func() {
		sdk.RunImporter(func(_ context.Context, _ *options, _ string, config map[string]string) (sdk.Importer, error) {
			fmt.Fprintf(os.Stderr, "password is %s\n\x1b[2Jclear\n%s\n", config["password"], strings.Repeat("x", 10_000))
			for range 1000 {
				fmt.Fprintln(os.Stderr, "again")
			}
			return nil, errors.New("that is all")
		})
	},
	"secret provider": func() {
		sdk.RunSecretProvider(func(_ context.Context, config map[string]string) (*vault, error) {
			return &vault{config["password"]}, nil
		})
	},
	"inventory": func() {
		sdk.RunInventory(func(_ context.Context, config map[string]string) (shelf, error) { return shelf(config["fails"]), nil })
	},
	"environment": func() {
		fmt.Fprintln(os.Stderr, strings.Join(os.Environ(), "\n"))
		os.Exit(1)
	},
}

func start(t *testing.T, plugin string, opts host.Options) (*host.Plugin, error) {
	t.Helper()
	opts.Args = []string{plugin}
	p, err := host.Start(t.Context(), os.Args[0], opts)
	if err == nil {
		t.Cleanup(p.Kill)
	}
	return p, err
}

func wantError(t *testing.T, err error, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

func TestConnectors(t *testing.T) {
	dir := t.TempDir()
	config := map[string]string{"location": "fis://" + dir}
	opts := &connectors.Options{Hostname: "here", MaxConcurrency: 2}

	p, err := start(t, "importer", host.Options{})
	if err != nil {
		t.Fatal(err)
	}
	imp, err := p.Importer(t.Context(), opts, "fis", config)
	if err != nil || imp.Root() != dir {
		t.Fatal(imp, err)
	}
	if err := errors.Join(imp.Ping(t.Context()), imp.Close(t.Context()), p.Close(), p.Close()); err != nil {
		t.Error(err)
	}

	if p, err = start(t, "exporter", host.Options{}); err != nil {
		t.Fatal(err)
	}
	exp, err := p.Exporter(t.Context(), opts, "fis", config)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(exp.Ping(t.Context()), exp.Close(t.Context()), p.Close()); err != nil {
		t.Error(err)
	}

	if p, err = start(t, "storage", host.Options{}); err != nil {
		t.Fatal(err)
	}
	store, err := p.Storage(t.Context(), "fis", config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context()); err == nil {
		t.Error("a storage opens that is not there")
	}
	if err := errors.Join(store.Create(t.Context(), []byte("x")), store.Close(t.Context()), p.Close()); err != nil {
		t.Error(err)
	}
}

// windowsProgram is the least that is a program for windows on arm64: a DOS header that leads to a COFF header, and no sections.
var windowsProgram = func() string {
	const headerAt, arm64, runnable = 0x80, 0xaa64, 0x0002
	header := make([]byte, headerAt+24)
	copy(header, "MZ")
	header[0x3c] = headerAt
	copy(header[headerAt:], "PE\x00\x00")
	binary.LittleEndian.PutUint16(header[headerAt+4:], arm64)
	binary.LittleEndian.PutUint16(header[headerAt+22:], runnable)
	return string(header)
}()

func TestStartFails(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string, mode fs.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, test := range []struct {
		path string
		opts host.Options
		want string
	}{
		{filepath.Join(dir, "nothing"), host.Options{}, "nothing is missing"},
		{dir, host.Options{}, "is not a file"},
		{file("data", "x", 0o644), host.Options{}, "data is not executable, its mode is -rw-r--r--"},
		{file("script", "#!/no/such/shell\n", 0o755), host.Options{}, "needs an interpreter"},
		{file("noise", "\x7fELFnonsense", 0o755), host.Options{}, "is no program for"},
		{file("foreign", windowsProgram, 0o755), host.Options{}, "it is for windows/arm64, this machine is"},
		{os.Args[0], host.Options{Args: []string{"gone"}}, "exit status 7; its last words: first; cannot find libfoo"},
		{file("text", "#!/bin/sh\necho 'Usage: plugin [options]'\nsleep 60\n", 0o755), host.Options{}, `it wrote "Usage: plugin [options]" to its standard output`},
		{file("zeros", "#!/bin/sh\nexec cat /dev/zero\n", 0o755), host.Options{}, `it wrote "\x00\x00`},
		{os.Args[0], host.Options{Args: []string{"silent"}, Timeout: 300 * time.Millisecond}, "no answer within 300ms"},
	} {
		_, err := host.Start(t.Context(), test.path, test.opts)
		wantError(t, err, test.want)
	}
	if _, err := host.Start(t.Context(), filepath.Join(dir, "nothing"), host.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := host.Start(ctx, os.Args[0], host.Options{Args: []string{"silent"}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v is not the context's", err)
	}
}

// TestForeignSecret looks for secrets that do not look like themselves any more once they are quoted, or cut off.
func TestForeignSecret(t *testing.T) {
	const secret = `hunter"22"`
	for name, told := range map[string]string{
		"quoted":  "it is " + secret,
		"cut off": strings.Repeat("x", 75) + secret,
	} {
		t.Run(name, func(t *testing.T) {
			script := filepath.Join(t.TempDir(), "script") // the SDK would take standard output away from it
			if err := os.WriteFile(script, []byte("#!/bin/sh\nprintf '%s\\n' \"$PHRASE\"\nsleep 60\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			opts := host.Options{Env: []string{"PHRASE=" + told}, Secrets: []string{secret}}
			_, err := host.Start(t.Context(), script, opts)
			wantError(t, err, `***" to its standard output`)
			if err != nil && strings.Contains(err.Error(), "hunt") {
				t.Errorf("it is told: %v", err)
			}
		})
	}
}

func TestInitFails(t *testing.T) {
	config := map[string]string{"password": "hunter2secret"}
	for plugin, test := range map[string]struct {
		timeout time.Duration // of starting, too
		want    string
	}{
		"refusing": {0, "cannot log in with ***"},
		"dying":    {0, "exit status 9; its last words: out of luck"},
		"hanging":  {5 * time.Second, ": is the location reachable?"},
	} {
		t.Run(plugin, func(t *testing.T) {
			t.Parallel()
			p, err := start(t, plugin, host.Options{Timeout: test.timeout})
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Importer(t.Context(), &connectors.Options{}, "x", config)
			wantError(t, err, test.want)
		})
	}
}

// lines is a standard error that is read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestStderr(t *testing.T) {
	var out lines
	p, err := start(t, "talking", host.Options{Stderr: &out, Prefix: "ftp: "})
	if err != nil {
		t.Fatal(err)
	}
	p.Importer(t.Context(), &connectors.Options{}, "x", map[string]string{"password": "hunter2secret"})
	p.Close()
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	if got[0] != "ftp: password is ***" || got[1] != "ftp: \uFFFD[2Jclear" || len(got[2]) != len("ftp: ")+4096 {
		t.Errorf("got %q", got[:3])
	}
	last := got[len(got)-1]
	if len(got) > 400 || !strings.HasSuffix(last, " lines left out)") {
		t.Errorf("%d lines, the last %q", len(got), last)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter2secret")
	var out lines
	if _, err := start(t, "environment", host.Options{Stderr: &out, Env: []string{"EXTRA=1"}}); err == nil {
		t.Fatal("it starts")
	}
	got := out.String()
	if !strings.Contains(got, "PATH=") || !strings.Contains(got, "EXTRA=1\n") || strings.Contains(got, "hunter2") {
		t.Errorf("the plugin's environment is\n%s", got)
	}
}

// TestUnderEmulator starts a plugin through a program that takes it as its argument, and names that program when it fails.
func TestUnderEmulator(t *testing.T) {
	dir := t.TempDir()
	emulator := filepath.Join(dir, "emulator")
	script := "#!/bin/sh\n[ \"$1\" = --version ] && { echo emulator version 7.2; exit; }\nexec \"$@\"\n"
	if err := os.WriteFile(emulator, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := start(t, "importer", host.Options{Emulator: emulator})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	_, err = start(t, "environment", host.Options{Emulator: emulator})
	wantError(t, err, "starting plugin host.test under emulator version 7.2: ", "exit status 1")
}

// TestCoverageFolder is passed on as a path that does not depend on where the plugin runs.
func TestCoverageFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("GOCOVERDIR", "reached")
	cwd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	start(t, "environment", host.Options{Stderr: &out})
	if want := "GOCOVERDIR=" + filepath.Join(cwd, "reached") + "\n"; !strings.Contains(out.String(), want) {
		t.Errorf("got %q, want %q in it", out.String(), want)
	}
}
