package modules

import (
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

const mit = `MIT License

Copyright (c) 2026 Somebody

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`

func put(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// TestNotice takes modules from every place that a build takes them from.
func TestNotice(t *testing.T) {
	main, cache := t.TempDir(), t.TempDir()
	put(t, cache, "example.org/!upper@v1.0.0/LICENSE", mit)
	put(t, cache, "example.org/fork@v1.1.0/LICENSE.md", mit)
	put(t, cache, "example.org/odd@v1.0.0/COPYING", "Do what is right.")
	put(t, cache, "example.org/odd@v1.0.0/license.go", mit)
	put(t, main, "local/LICENCE", mit)
	put(t, main, "vendor/example.org/vendored/NOTICE", "Vendored, by somebody.")
	module := func(path, version string, replace *debug.Module) *debug.Module {
		return &debug.Module{Path: path, Version: version, Sum: "h1:x", Replace: replace}
	}
	one := &debug.BuildInfo{GoVersion: "go1.26.0", Deps: []*debug.Module{
		module("example.org/vendored", "v1.0.0", nil), module("example.org/Upper", "v1.0.0", nil),
		module("example.org/gone", "v1.0.0", nil), module("example.org/odd", "v1.0.0", nil),
		module("example.org/replaced", "v1.0.0", &debug.Module{Path: "example.org/fork", Version: "v1.1.0", Sum: "h1:y"}),
		module("example.org/local", "v0.0.0", &debug.Module{Path: "./local", Version: "(devel)"}),
	}}
	two := &debug.BuildInfo{GoVersion: "go1.26.0", Deps: []*debug.Module{module("example.org/Upper", "v1.0.0", nil)}}
	found := Source{Main: main, Cache: cache}.Of([]*debug.BuildInfo{one, two})
	var got []string
	for _, m := range found {
		got = append(got, m.URL()+" "+m.Licence().Expression())
	}
	want := []string{
		"pkg:golang/std@1.26.0 BSD-3-Clause", "pkg:golang/example.org/Upper@v1.0.0 MIT", "pkg:golang/example.org/fork@v1.1.0 MIT",
		"pkg:golang/example.org/gone@v1.0.0 ", "pkg:golang/example.org/local@v0.0.0 MIT", "pkg:golang/example.org/odd@v1.0.0 ",
		"pkg:golang/example.org/vendored@v1.0.0 ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	text := string(Notice([]byte("Ours.\n\n\n"), found))
	if !strings.HasPrefix(text, "Ours.\n\nThe executables") || !IsNotice([]byte(text)) || IsNotice([]byte("Ours.")) {
		t.Errorf("%s", text[:200])
	}
	for content, times := range map[string]int{
		"Permission is hereby granted": 1, "Do what is right.": 1, "Vendored, by somebody.": 1, "The Go Authors": 1,
		"example.org/gone v1.0.0: its licence is not known":                                          1,
		"example.org/Upper v1.0.0\nexample.org/fork v1.1.0\nexample.org/local v0.0.0\n\nMIT License": 1,
	} {
		if n := strings.Count(text, content); n != times {
			t.Errorf("%q comes %d times, not %d, in\n%s", content, n, times, text)
		}
	}
}
