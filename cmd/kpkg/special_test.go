//go:build unix

package main

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/internal/raced"
)

// A specialPlace is where a command expects a file, or a folder.
type specialPlace struct {
	command string // run in the folder of an integration, NAME.ptar being a package of it
	at      string // the path of what is special
	// passed tells places that a command may pass over; elsewhere it must fail and name what is there.
	passed bool
}

// specialPlaces goes over the commands, and over what each reads and writes.
var specialPlaces = []specialPlace{
	{"validate", "manifest.yaml", false},
	{"validate x", "x", false},
	{"validate x.yaml --manifest-only", "x.yaml", false},
	{"create", "manifest.yaml", false},
	{"create x.yaml v1.0.0", "x.yaml", false},
	{"matrix x.yaml", "x.yaml", false},
	{"test x.yaml", "x.yaml", false},
	{"try backup x.yaml tiny:// -o data.ptar", "x.yaml", false},
	{"try restore x.yaml tiny:// data.ptar", "x.yaml", true}, // the data file is judged before it

	{"verify x.ptar", "x.ptar", false},
	{"verify PACKAGE --rebuild x", "x", false},
	{"verify PACKAGE --rebuild .", "schema.json", false},
	{"test x.ptar", "x.ptar", false},
	{"try backup x.ptar tiny:// -o data.ptar", "x.ptar", false},
	{"try restore PACKAGE tiny:// x.ptar", "x.ptar", false},
	{"try restore x.ptar tiny:// PACKAGE", "x.ptar", true},
	{"try ls x.ptar", "x.ptar", false},

	{"create v1.0.0 --no-build -o x.ptar", "x.ptar", false},
	{"create v1.0.0 --no-build -o x.ptar --force", "x.ptar", false},
	{"create v1.0.0 --no-build --out-dir x", "x", true},
	{"create v1.0.0 --no-build --out-dir x/y", "x", true},
	{"try backup PACKAGE tiny:// -o x.ptar", "x.ptar", false},
	{"try backup PACKAGE tiny:// -o x.ptar --force", "x.ptar", false},

	{"test PACKAGE --connector exporter:tiny --config location=tiny:// --sample x", "x", true}, // a folder, which has nothing
	{"test PACKAGE --connector exporter:tiny --config location=tiny:// --sample s", "s/x", true},
	{"test PACKAGE --connector exporter:tiny --config location=@x", "x", true},
	{"try backup PACKAGE tiny:// location=@x -o data.ptar", "x", true},
	{"test .", "kpkg-test.yaml", false},

	{"validate", "schema.json", false},
	{"validate --strict", "README.md", false},
	{"validate --strict", "LICENSE", false},
	{"validate", "extra.txt", false},
	{"validate", "plugin/x.go", true},
	{"validate", "plugin/main.go", true},
	{"validate", "other/x.go", true},
	{"validate", "go.mod", true},
	{"validate", "go.work", true},
	{"validate", "Makefile", true},
	{"validate", ".git", true},
	{"matrix .", "schema.json", false},
	{"matrix .", "plugin/main.go", true},
	{"create v1.0.0 --dry-run", "extra.txt", false},
	{"create v1.0.0 --dry-run", "README.md", true},
	{"create v1.0.0 --no-build", "tinyImporter", false},
	{"create v1.0.0 --no-build", "schema.json", false},
	{"create v1.0.0 --no-build", "LICENSE", true},

	{"create v1.0.0 --no-build", ".cache/kpkg", true},
	{"create v1.0.0 --no-build", ".cache/kpkg/receipts", true},
	{"verify PACKAGE", ".cache/kpkg", true},
	{"clean", ".cache/kpkg", true},
	{"clean", ".cache/kpkg/outputs", true},
	{"clean", ".cache/kpkg/outputs/x/y", true},
	{"clean", ".cache/kpkg/receipts/x", true},
	{"try backup PACKAGE tiny:// -o data.ptar", ".tmp", true},
	{"try ls PACKAGE", ".tmp/kpkg-try-1/.kpkg-temporary", true},
}

// specialFiles make what is no regular file.
var specialFiles = map[string]func(t *testing.T, path string) error{
	"pipe": func(_ *testing.T, path string) error { return syscall.Mkfifo(path, 0o644) },
	"socket": func(t *testing.T, path string) error {
		short := filepath.Join(t.TempDir(), "s") // names of sockets are short
		listener, err := net.Listen("unix", short)
		if err != nil {
			return err
		}
		t.Cleanup(func() { listener.Close() })
		return os.Rename(short, path)
	},
	"device": func(_ *testing.T, path string) error { return os.Symlink("/dev/zero", path) },
	"folder": func(_ *testing.T, path string) error { return os.Mkdir(path, 0o755) },
	"link":   func(_ *testing.T, path string) error { return os.Symlink(filepath.Base(path), path) }, // to itself
}

// tinyIntegration is an integration with something of each kind that a command reads.
func tinyIntegration(t *testing.T, dir string) {
	t.Helper()
	for name, content := range map[string]string{
		"go.mod":         "module example.org/tiny\n\ngo 1.26\n",
		"plugin/main.go": "package main\n\nfunc main() {}\n",
		"schema.json":    "{}",
		"LICENSE":        "ISC",
		"README.md":      "# Tiny\n",
		"extra.txt":      "x",
		"manifest.yaml": "name: tiny\ndisplay_name: Tiny\ndescription: the smallest\nhomepage: https://example.org\nlicense: ISC\n" +
			"tags: [test]\napi_version: v1.1.0\nbuild: {packages: {tinyImporter: ./plugin}}\n" +
			"connectors:\n- {type: importer, class: file-storage, executable: tinyImporter, protocols: [tiny], " +
			"validator: schema.json, extra_files: [extra.txt]}\n" +
			"- {type: exporter, class: file-storage, executable: tinyImporter, protocols: [tiny]}\n",
		"s/mail":     "ham",
		"other/a.go": "package other\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSpecialFiles puts a pipe, and a socket, a device, a folder or a link that leads nowhere, where commands expect files. None
// may wait for them, read on without end, or take them for what they are not.
func TestSpecialFiles(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	t.Parallel()
	base := t.TempDir()
	source, out := filepath.Join(base, "tiny"), filepath.Join(base, "out")
	tinyIntegration(t, source)
	build := exec.Command("kpkg", "create", source, "v1.0.0", "--out-dir", out, "--quiet", "--no-cache")
	if printed, err := build.CombinedOutput(); err != nil {
		t.Fatalf("kpkg create: %v\n%s", err, printed)
	}
	pkg := filepath.Join(out, "tiny_v1.0.0_"+runtime.GOOS+"_"+runtime.GOARCH+".ptar")
	compile := exec.Command("go", "build", "-o", filepath.Join(source, "tinyImporter"), "./plugin")
	compile.Dir = source
	if printed, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, printed)
	}
	others := []string{"socket", "device", "folder", "link"} // in turn
	for kind, put := range specialFiles {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			for i, place := range specialPlaces {
				if kind != "pipe" && kind != others[i%len(others)] {
					continue
				}
				if kind == "pipe" && strings.Contains(place.command, "=@") {
					continue // the user's own, such as <(command): it is waited for
				}
				dir := filepath.Join(t.TempDir(), "w")
				if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
					t.Fatal(err)
				}
				name := kind + " at " + place.at + ", kpkg " + place.command
				at := filepath.Join(dir, place.at)
				os.RemoveAll(at)
				if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), put(t, at)); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				testSpecialPlace(t, name, kind, place, dir, pkg)
			}
		})
	}
}

func testSpecialPlace(t *testing.T, name, kind string, place specialPlace, dir, pkg string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args := strings.Fields(strings.ReplaceAll(place.command, "PACKAGE", pkg))
	cmd := exec.CommandContext(ctx, "kpkg", args...)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(dir, ".cache"), "GOFLAGS=", "GOPROXY=off",
		"GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	if strings.HasPrefix(place.at, ".tmp") {
		cmd.Env = append(cmd.Env, "TMPDIR="+filepath.Join(dir, ".tmp"))
	}
	printed, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		t.Errorf("%s: it does not end\n%s", name, printed)
	case err == nil && !place.passed && kind != "folder":
		t.Errorf("%s: exit status 0\n%s", name, printed)
	case err != nil && !errors.As(err, &exit):
		t.Errorf("%s: %v", name, err)
	case err != nil && (exit.ExitCode() < exitFindings || exit.ExitCode() > exitFailed):
		t.Errorf("%s: %v\n%s", name, err, printed)
	case err != nil && len(printed) == 0, strings.Contains(string(printed), "goroutine "):
		t.Errorf("%s: %v, it says %q", name, err, printed)
	case err != nil && !place.passed && !strings.Contains(string(printed), filepath.Base(place.at)):
		t.Errorf("%s: %v, without naming it\n%s", name, err, printed)
	}
	if testing.Verbose() {
		t.Logf("%s: %v\n%s", name, err, printed)
	}
}
