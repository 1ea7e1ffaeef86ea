package diff

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestFirstDifference(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 600<<10)
	changed := func(at int) []byte {
		data := bytes.Clone(long)
		data[at] = 'y'
		return data
	}
	for _, test := range []struct {
		name string
		a, b []byte
		at   int64 // -1 for none
	}{
		{"nothing", nil, nil, -1},
		{"same", long, bytes.Clone(long), -1},
		{"a whole buffer", long[:256<<10], long[:256<<10], -1},
		{"first", long, changed(0), 0},
		{"in the first buffer", long, changed(7), 7},
		{"in the second buffer", long, changed(300 << 10), 300 << 10},
		{"last", long, changed(len(long) - 1), int64(len(long) - 1)},
		{"shorter", long, long[:100], 100},
		{"longer", long[:256<<10], long, 256 << 10},
	} {
		at, same, err := firstDifference(t.Context(), bytes.NewReader(test.a), bytes.NewReader(test.b))
		if err != nil || same != (test.at < 0) || !same && at != test.at {
			t.Errorf("%s: %d, %t, %v", test.name, at, same, err)
		}
	}
	broken := io.MultiReader(bytes.NewReader([]byte("xx")), iotest.ErrReader(io.ErrNoProgress))
	if _, _, err := firstDifference(t.Context(), broken, bytes.NewReader([]byte("xx"))); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a failure to read is %v", err)
	}
}

func TestFacts(t *testing.T) {
	got := recorded(&debug.BuildInfo{
		GoVersion: "go1.26", Path: "example.org/x/cmd",
		Main:     debug.Module{Path: "example.org/x", Version: "v1.0.0"},
		Deps:     []*debug.Module{{Path: "example.org/y", Version: "v1.2.3", Replace: &debug.Module{Path: "../y", Version: "v0"}}},
		Settings: []debug.BuildSetting{{Key: "GOOS", Value: "linux"}},
	})
	want := map[string]string{
		"the Go version": "go1.26", "the main package": "example.org/x/cmd", "build setting GOOS": "linux",
		"module example.org/x": "v1.0.0", "module example.org/y": "v1.2.3 replaced by ../y v0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestBuilds compares executables that Go built: this test, and the go command.
func TestBuilds(t *testing.T) {
	open := func(name string, err error) *os.File {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		return file
	}
	this, other := open(os.Executable()), open(exec.LookPath("go"))
	script := strings.NewReader("#!/bin/sh\n")
	for _, test := range []struct {
		name string
		a, b io.ReaderAt
	}{{"the same", this, this}, {"a script before", script, this}, {"a script now", this, script}} {
		if facts := builds(test.a, test.b); len(facts) > 0 {
			t.Errorf("%s: %v", test.name, facts)
		}
	}
	facts := builds(this, other)
	if !slices.ContainsFunc(facts, func(f Fact) bool { return f.Name == "the main package" && f.Is == "cmd/go" }) {
		t.Errorf("%v", facts)
	}
}
