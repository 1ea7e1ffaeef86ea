package gobuild

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestUnchangedIsNotAsked builds twice, with a change between, and counts how often go had to be asked. All files look old,
// as a change that keeps the time is the hardest to see.
func TestUnchangedIsNotAsked(t *testing.T) {
	base := map[string]string{
		"go.mod": "module example.org/x\n\ngo 1.24\n\nrequire example.org/lib v0.0.0\n\n" +
			"replace example.org/lib => ./lib\n",
		"lib/go.mod":    "module example.org/lib\n\ngo 1.24\n",
		"lib/lib.go":    "package lib\n\nconst Name = \"a\"\n",
		"manifest.yaml": manifestOf("build:\n  ldflags: -X main.version={{.Version}}\n", "importer", "exporter"),
		"importer/main.go": "package main\n\nimport \"example.org/lib\"\n\nvar version string\n\n" +
			"func main() { println(lib.Name, version) }\n",
		"exporter/main.go": program,
	}
	with := func(name, content string) map[string]string {
		files := map[string]string{name: content}
		for name, content := range base {
			if _, changed := files[name]; !changed {
				files[name] = content
			}
		}
		return files
	}
	for name, test := range map[string]struct {
		first  map[string]string
		change map[string]string
		before func(t *testing.T, root string) // the second build
		stamp  string
		asked  bool
	}{
		"nothing":         {},
		"unrelated file":  {change: map[string]string{"README.md": "x", "other/main.go": program}},
		"source":          {change: map[string]string{"exporter/main.go": program + "\n// x\n"}, asked: true},
		"new source":      {change: map[string]string{"exporter/new.go": "package main\n"}, asked: true},
		"replaced module": {change: map[string]string{"lib/lib.go": "package lib\n\nconst Name = \"b\"\n"}, asked: true},
		"go.mod":          {change: map[string]string{"go.mod": base["go.mod"] + "\n// x\n"}, asked: true},
		"workspace":       {change: map[string]string{"go.work": "go 1.24\n\nuse .\nuse ./lib\n"}, asked: true},
		"version":         {stamp: "v2", asked: true},
		"flags":           {before: func(t *testing.T, _ string) { t.Setenv("GOFLAGS", "-mod=mod") }, asked: true},
		"architecture": {before: func(t *testing.T, _ string) {
			t.Setenv("GOAMD64", "v2")
			t.Setenv("GOARM64", "v8.1")
		}, asked: true},
		"kept file is cut": {before: func(t *testing.T, root string) { truncateKept(t, root, "importer") }, asked: true},
		"inputs are cut":   {before: func(t *testing.T, root string) { truncateKept(t, root, inputsFile) }, asked: true},
		"embedded file": {
			first: with("exporter/embed.go", "package main\n\nimport _ \"embed\"\n\n//go:embed main.go\nvar source string\n"),
			asked: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			files, root := base, t.TempDir()
			if test.first != nil {
				files = test.first
			}
			plan := testPlan(t, files)
			age(t, plan.Dir)
			build := func(stamp string) (output Output, builds int) {
				counting := func(ctx context.Context, dir string, env, args []string) ([]byte, error) {
					if args[0] == "build" {
						builds++
					}
					return runGo(ctx, dir, env, args)
				}
				b := testBuilder(t, Options{}, root, counting)
				output, err := b.Build(t.Context(), plan, Host(), Stamp{Version: stamp})
				if err != nil {
					t.Fatal(err)
				}
				return output, builds
			}
			if _, builds := build("v1"); builds != 1 {
				t.Fatalf("the first build asked go %d times", builds)
			}
			writeTree(t, plan.Dir, test.change)
			age(t, plan.Dir)
			if test.before != nil {
				test.before(t, root)
			}
			stamp := "v1"
			if test.stamp != "" {
				stamp = test.stamp
			}
			output, builds := build(stamp)
			if (builds > 0) != test.asked {
				t.Errorf("go was asked %d times", builds)
			}
			if !test.asked && !output.Cached {
				t.Error("not said to be cached")
			}
			for name, file := range output.Files {
				if !exists(t, file) {
					t.Errorf("no file for %s", name)
				}
			}
		})
	}
}

// age makes all files below dir look as if they were written at one time, a while ago.
func age(t *testing.T, dir string) {
	t.Helper()
	then := time.Now().Add(-time.Hour).Truncate(time.Hour)
	err := filepath.WalkDir(dir, func(file string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(file, then, then)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func truncateKept(t *testing.T, root, name string) {
	t.Helper()
	kept, err := filepath.Glob(filepath.Join(root, "outputs", "*", name))
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept %v, %v", kept, err)
	}
	if err := os.Truncate(kept[0], 100); err != nil {
		t.Fatal(err)
	}
}

func TestChangeWhileBuildingIsNotRemembered(t *testing.T) {
	plan, root := testPlan(t, twoPrograms()), t.TempDir() // just written
	for range 2 {
		builds := 0
		b := testBuilder(t, Options{}, root, func(ctx context.Context, dir string, env, args []string) ([]byte, error) {
			if args[0] == "build" {
				builds++
				now := time.Now()
				if err := os.Chtimes(filepath.Join(dir, "importer", "main.go"), now, now); err != nil {
					t.Error(err)
				}
			}
			return runGo(ctx, dir, env, args)
		})
		if _, err := b.Build(t.Context(), plan, Host(), Stamp{}); err != nil || builds != 1 {
			t.Errorf("go was asked %d times, %v", builds, err)
		}
	}
}
