package host_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

const manifest = `name: shell
display_name: Shell
description: a plugin of a few lines
connectors:
- {type: importer, executable: bin/shell.sh, protocols: [shell], extra_files: [data/words]}
`

const script = "#!/bin/sh\nexec sleep 60\n"

// files are what a package holds, and the source of one.
func files() []ptartest.File {
	return []ptartest.File{
		{Path: "manifest.yaml", Mode: 0o644, Content: []byte(manifest)},
		{Path: "bin/shell.sh", Mode: 0o755, Content: []byte(script)},
		{Path: "data/words", Mode: 0o644, Content: []byte("words\n")},
	}
}

// packageFile is the file of a package for this machine.
func packageFile(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shell_v1.0.0_"+runtime.GOOS+"_"+runtime.GOARCH+".ptar")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// source is the folder of a source tree with the manifest.
func source(t *testing.T, manifest string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files() {
		path := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if f.Path == "manifest.yaml" {
			f.Content = []byte(manifest)
		}
		if err := os.WriteFile(path, f.Content, f.Mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestOpen unpacks a package, and the one that is made of a tree, named by its folder or its manifest.
func TestOpen(t *testing.T) {
	tree := source(t, manifest)
	for name, path := range map[string]string{
		"package":  packageFile(t, ptartest.Kpkg(t, files())),
		"folder":   tree,
		"manifest": filepath.Join(tree, "manifest.yaml"),
	} {
		t.Run(name, func(t *testing.T) {
			integration, err := host.Open(t.Context(), path, t.TempDir(), host.Building{})
			if err != nil {
				t.Fatal(err)
			}
			if integration.Package != path || integration.Manifest.Name != "shell" {
				t.Errorf("got %q of %q", integration.Manifest.Name, integration.Package)
			}
			for _, f := range files() {
				path := filepath.Join(integration.Dir, filepath.FromSlash(f.Path))
				content, err := os.ReadFile(path)
				if err != nil || string(content) != string(f.Content) {
					t.Errorf("%s: %q and error %v, want %q", f.Path, content, err, f.Content)
				}
			}
			executable := integration.Executable(integration.Manifest.Connectors[0])
			if want := filepath.Join(integration.Dir, "bin", "shell.sh"); executable != want && runtime.GOOS != "windows" {
				t.Errorf("the executable is %s, want %s", executable, want)
			}
			wantMode(t, executable, 0o755)
			wantMode(t, filepath.Join(integration.Dir, "data", "words"), 0o644)
		})
	}
}

// wantMode checks permissions, but for what the umask may have taken from others.
func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got&0o700 != want&0o700 || got&^want != 0 {
		t.Errorf("%s has permissions %v, want %v", path, got, want)
	}
}

// TestHostile refuses packages that would not stay where they are unpacked, and leaves nothing of them.
func TestHostile(t *testing.T) {
	raced.Skip(t, "it does one thing after another")
	entry := func(name string, mode fs.FileMode) func(*ptartest.Forgery) {
		return func(f *ptartest.Forgery) { f.Entries = append(f.Entries, ptartest.NewEntry(name, mode)) }
	}
	for name, forge := range map[string]func(*ptartest.Forgery){
		"parent":         entry("/../escaped", 0o644),
		"deeper parent":  entry("/data/../../escaped", 0o644),
		"parent's name":  entry("/data/..", 0o644),
		"two slashes":    entry("//escaped", 0o644),
		"relative":       entry("escaped", 0o644),
		"NUL":            entry("/LICENSE\x00escaped", 0o644),
		"device":         entry("/LICENSE-device", fs.ModeDevice|0o666),
		"pipe":           entry("/LICENSE-pipe", fs.ModeNamedPipe|0o666),
		"setuid":         entry("/LICENSE-setuid", fs.ModeSetuid|0o755),
		"file as folder": entry("/manifest.yaml/escaped", 0o644),
		"link": func(f *ptartest.Forgery) {
			f.Add(ptartest.File{Path: "LICENSE-link", Mode: fs.ModeSymlink | 0o777, Target: "/etc"})
		},
		"through a link": func(f *ptartest.Forgery) {
			f.Add(ptartest.File{Path: "link", Mode: fs.ModeSymlink | 0o777, Target: ".."})
			f.Add(ptartest.File{Path: "link/escaped", Mode: 0o644, Content: []byte("x")})
		},
	} {
		t.Run(name, func(t *testing.T) {
			forgery := ptartest.NewForgery(t, "LZ4", files())
			forge(forgery)
			around := t.TempDir()
			dir := filepath.Join(around, "dir")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			_, err := host.Open(t.Context(), packageFile(t, forgery.Bytes()), dir, host.Building{})
			var rejected *host.RejectedError
			if !errors.As(err, &rejected) || len(rejected.Findings) == 0 {
				t.Errorf("error %v, want that the package is rejected", err)
			}
			wantEmpty(t, dir)
			if entries, err := os.ReadDir(around); err != nil || len(entries) != 1 {
				t.Errorf("beside the folder: %v, %v", entries, err)
			}
		})
	}
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestRefused(t *testing.T) {
	pkg := ptartest.Kpkg(t, files())
	foreign := filepath.Join(t.TempDir(), "shell_v1.0.0_plan9_386.ptar")
	if err := os.WriteFile(foreign, pkg, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, path string
		rejected   bool // by findings
		want       string
	}{
		{"nothing", filepath.Join(t.TempDir(), "none.ptar"), false, "there is no package or manifest at"},
		{"no manifest", filepath.Join(t.TempDir(), "manifest.yaml"), false, "manifest.yaml"},
		{"folder without a manifest", t.TempDir(), false, "manifest.yaml"},
		{"another platform", foreign, false, "cannot be run: it is for plan9/386, this machine is " + executable.Host().String()},
		{"no ptar", packageFile(t, []byte(manifest)), true, "has errors: 1 error"},
		{"cut short", packageFile(t, pkg[:len(pkg)/2]), true, "has errors"},
		{"source with errors", source(t, strings.Replace(manifest, "[shell]", "[fs]", 1)), true, "has errors"},
		{"source without its executable", source(t, strings.Replace(manifest, "shell.sh", "none.sh", 1)), true, "has errors"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := host.Open(t.Context(), test.path, dir, host.Building{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			var rejected *host.RejectedError
			if errors.As(err, &rejected) != test.rejected {
				t.Errorf("rejected by findings: %v, want %v; %v", !test.rejected, test.rejected, err)
			}
			wantEmpty(t, dir)
		})
	}
}

// TestReplaced unpacks a file whose name changes hands all the time, between a package and one that does not verify: what
// is unpacked must be what was judged.
func TestReplaced(t *testing.T) {
	raced.Skip(t, "it is of a file that changes, which it does not see")
	bad := files()
	bad[0].Content = []byte(strings.Replace(manifest, "[shell]", "[fs]", 1))
	packages := [][]byte{ptartest.Kpkg(t, files()), ptartest.Kpkg(t, bad)}
	path := packageFile(t, packages[0])
	stop := make(chan struct{})
	var swapping sync.WaitGroup
	swapping.Go(func() {
		other := filepath.Join(filepath.Dir(path), "other")
		for i := 1; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := errors.Join(os.WriteFile(other, packages[i%2], 0o600), os.Rename(other, path)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 100 {
		integration, err := host.Open(t.Context(), path, t.TempDir(), host.Building{})
		var rejected *host.RejectedError
		if err != nil && !errors.As(err, &rejected) {
			t.Error(err)
			break
		}
		if err == nil && integration.Manifest.Connectors[0].Protocols[0] != "shell" {
			t.Error("unpacked a package that does not verify")
			break
		}
	}
	close(stop)
	swapping.Wait()
}

// TestWrittenInPlace opens a file that is written to all the time, now a package and now one of the same size that does not
// verify: what is unpacked must be what was judged.
func TestWrittenInPlace(t *testing.T) {
	raced.Skip(t, "it is of a file that changes, which it does not see")
	fine, bad := files(), files()
	fine[0].Content = []byte(manifest + "# " + content(50))
	good := ptartest.Kpkg(t, fine)
	var packages [2][]byte
	for n := 0; len(packages[1]) != len(good); n++ {
		if n == 200 {
			t.Fatal("no package that does not verify has the size of the one that does")
		}
		bad[0].Content = []byte(strings.Replace(manifest, "[shell]", "[fs]", 1) + "# " + content(n))
		packages = [2][]byte{good, ptartest.Kpkg(t, bad)}
	}
	path := packageFile(t, good)
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stop := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := 1; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(i%7) * time.Millisecond):
			}
			if _, err := file.WriteAt(packages[i%2], 0); err != nil {
				t.Error(err)
				return
			}
		}
	})
	unpacked := 0
	for range 800 {
		integration, err := host.Open(t.Context(), path, t.TempDir(), host.Building{})
		if err == nil {
			unpacked++
			if integration.Manifest.Connectors[0].Protocols[0] != "shell" {
				t.Error("unpacked a package that does not verify")
				break
			}
		}
	}
	close(stop)
	writing.Wait()
	if unpacked == 0 {
		t.Error("none was unpacked, so nothing was tried")
	}
}

// content is of n letters that do not compress well.
func content(n int) string {
	letters := make([]byte, n)
	for i := range letters {
		letters[i] = 'a' + byte(i*i*7%25)
	}
	return string(letters)
}

// TestCancelled leaves nothing behind.
func TestCancelled(t *testing.T) {
	for name, path := range map[string]string{
		"package": packageFile(t, ptartest.Kpkg(t, files())), "source": source(t, manifest),
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			dir := t.TempDir()
			if _, err := host.Open(ctx, path, dir, host.Building{}); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want that the context ended", err)
			}
			wantEmpty(t, dir)
		})
	}
}
