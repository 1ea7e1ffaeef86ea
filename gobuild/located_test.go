package gobuild

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLocated has what go prints in a folder tell paths from here, and no package's name.
func TestLocated(t *testing.T) {
	for _, test := range []struct{ output, dir, want string }{
		{"# example.org/x\n./x.go:3:4: undefined: y\n", "m", "m/x.go:3:4: undefined: y"},
		{"plugin/main.go:5:2: no\n\tmore", ".", "plugin/main.go:5:2: no\n\tmore"},
		{"go: downloading a.org/a v1.0.0\ngo: downloading b.org/b v1.0.0\nx.go:1:1: no\n", "m", "m/x.go:1:1: no"},
		{"../lib/x.go:1:1: no", "a/m", "a/lib/x.go:1:1: no"},
		{"/abs/x.go:1:1: no", "m", "/abs/x.go:1:1: no"},
		{"x.go:1:2: missing go.sum entry for y", "m",
			"m/x.go:1:2: missing go.sum entry for y\ngo.mod and go.sum are not up to date: run go mod tidy in m"},
		{"./x.go:3:6: main redeclared\n\tplugin/y.go:3:6: other declaration", "m",
			"m/x.go:3:6: main redeclared\n\tm/plugin/y.go:3:6: other declaration"},
		{"go: errors parsing go.mod:\ngo.mod:4: unknown directive: x", "m",
			"go: errors parsing go.mod:\nm/go.mod:4: unknown directive: x"},
		{"# example.org/x/plugin/importer\nruntime.main_main·f: function main is undeclared in the main package", "m",
			"example.org/x/plugin/importer: package main has no func main"},
		{"go: go.mod requires go >= 1.99 (running go 1.26)", "m", "go: go.mod requires go >= 1.99 (running go 1.26)\n" +
			"the source asks for a newer Go than there is: install that (https://go.dev/dl), or lower the go line of its go.mod"},
		{"x.go:1:2: y: Get: dial tcp: lookup z: no such host", "m", "m/x.go:1:2: y: Get: dial tcp: lookup z: no such host\n" +
			"modules cannot be fetched: check the network and GOPROXY, then run go mod download in m"},
	} {
		if got := located(test.output, test.dir); got != test.want {
			t.Errorf("%q: %q, not %q", test.output, got, test.want)
		}
	}
}

// TestLocatedCache has go say what it does when the program for its cache, or the server behind that, does not work.
func TestLocatedCache(t *testing.T) {
	const refused = "put(action 07de, obj d33f, 1 bytes): Put: dial tcp 127.0.0.1:1: connect: connection refused"
	const modules = "modules cannot be fetched: check the network and GOPROXY, then run go mod download in m"
	for _, test := range []struct{ program, output, want string }{
		{"", refused, modules},
		{"client", refused, modules + "; or the server of the cache that GOCACHEPROG names does not answer: unset that to build without"},
		{"client", "module lookup disabled by GOPROXY=off", modules},
		{"/none", `error starting GOCACHEPROG program "/none": no such file`,
			"the program that GOCACHEPROG names for go's cache does not work: correct or unset it, go has a cache of its own"},
	} {
		t.Setenv("GOCACHEPROG", test.program)
		if got := located(test.output, "m"); got != test.output+"\n"+test.want {
			t.Errorf("%q", got)
		}
	}
}

// TestOwnFolder tells a folder that the module lacks from a module that go.mod lacks.
func TestOwnFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.org/x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for imported, want := range map[string]string{
		"example.org/x/missing": "the module has no folder missing: correct the import",
		"example.org/xy":        "run go mod tidy in " + dir,
	} {
		got := located("x.go:3:8: no required module provides package "+imported+"; to add it:\n\tgo get "+imported, dir)
		if !strings.HasSuffix(got, want) {
			t.Errorf("%s: %q", imported, got)
		}
	}
}
