//go:build unix

package gobuild

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/growth"
	"github.com/PlakarKorp/kpkg/manifest"
)

// TestPipes holds that a pipe anywhere in the tree, under the name of a file that is read, keeps nothing waiting.
func TestPipes(t *testing.T) {
	dir := t.TempDir()
	text := "name: x\nconnectors:\n- {type: importer, executable: a, protocols: [x]}\n- {type: exporter, executable: b, protocols: [x]}\n" +
		"- {type: storage, executable: s, protocols: [x]}\nbuild: {packages: {s: ./pipes}}\n"
	writeTree(t, dir, map[string]string{
		"go.mod": "module x\n", "plugin/importer/main.go": "package main\n", "other/x.txt": "", "pipes/x.txt": "", "deep/go.mod/x": "",
		"Makefile": "all:\n\tgo build -o a ./plugin/importer\n\tgo build -o b other/one.go other/two.go\n",
	})
	for _, name := range []string{
		"other/x.go", "other/two.go", "plugin/importer/x.go", "pipes/x.go", "pipes/x.c", "GNUmakefile", "plugin/go.mod", "b.exe",
	} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("two.go", filepath.Join(dir, "other", "one.go")); err != nil {
		t.Fatal(err)
	}
	type outcome struct {
		plan     *Plan
		findings []finding.Finding
	}
	done := make(chan outcome, 1)
	go func() {
		plan, findings, _ := Resolve(t.Context(), dir, manifest.Read("manifest.yaml", []byte(text)))
		done <- outcome{plan, findings}
	}()
	select {
	case got := <-done:
		if len(got.plan.Executables) != 1 || got.plan.Executables[0].Package != "./plugin/importer" {
			t.Errorf("%+v", got.plan.Executables)
		}
		var named []string
		for _, f := range got.findings {
			if f.Rule == "go-file-kind" {
				named = append(named, f.Message)
			}
		}
		if len(named) != 1 || !strings.HasPrefix(named[0], "./plugin/importer/x.go ") {
			t.Errorf("%q", named)
		}
	case <-time.After(time.Minute):
		t.Fatal("waits for a pipe")
	}
}

// TestDeepTree holds that folders cost what they cost wherever they are: not more for each folder above.
func TestDeepTree(t *testing.T) {
	trees := map[int]string{}
	dir := t.TempDir()
	depth := (1_000 - len(dir) - len("/1000/x.go")) / len("/d") // within the longest path of Linux and macOS
	for _, depth := range []int{growth.Smaller(depth), depth} {
		trees[depth] = filepath.Join(dir, fmt.Sprint(depth))
		files := map[string]string{}
		for i := range depth {
			files[strings.Repeat("d/", i+1)+"x.go"] = "package main\n"
		}
		writeTree(t, trees[depth], files)
	}
	growth.Linear(t, depth, func(depth int) {
		if mains := newTree(t.Context(), trees[depth], manifest.Build{}).mains(); len(mains) != depth {
			t.Errorf("%d main packages of %d", len(mains), depth)
		}
	})
}
