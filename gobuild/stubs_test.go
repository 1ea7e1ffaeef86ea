package gobuild

import (
	"fmt"
	"testing"

	"github.com/PlakarKorp/kpkg/executable"
)

const cgoFile = "// int f(void) { return 1; }\nimport \"C\"\n"

// stubbed is an integration with packages that go builds differently without cgo.
func stubbed() map[string]string {
	files := twoPrograms()
	files["importer/main.go"] = "package main\n\nimport (\n\t_ \"net\"\n\t_ \"os/user\"\n\n" +
		"\t_ \"example.org/x/db\"\n\t_ \"example.org/x/plain\"\n)\n\nfunc main() {}\n"
	files["exporter/main.go"] = "package main\n\nimport _ \"example.org/x/other\"\n\nfunc main() {}\n"
	files["db/db.go"] = "package db\n\nimport _ \"example.org/x/deep\"\n"
	files["deep/with.go"] = "package deep\n\n" + cgoFile
	files["deep/without.go"] = "//go:build !cgo || special\n\npackage deep\n"
	files["deep/with_test.go"] = "//go:build cgo\n\npackage deep\n"
	files["other/with_windows.go"] = "package other\n\n" + cgoFile
	files["other/without.go"] = "//go:build !cgo\n\npackage other\n"
	files["plain/plain.go"] = "package plain\n"
	files["plain/fast.go"] = "package plain\n\n" + cgoFile
	files["plain/plan9.go"] = "//go:build plan9\n\npackage plain\n"
	files["unused/with.go"] = "package unused\n\n" + cgoFile
	files["unused/without.go"] = "//go:build !cgo\n\npackage unused\n"
	return files
}

func TestFindStubs(t *testing.T) {
	deep := Stub{"example.org/x/deep", []string{"with.go"}, []string{"without.go"}}
	other := Stub{"example.org/x/other", []string{"with_windows.go"}, []string{"without.go"}}
	for _, test := range []struct {
		os, build string
		want      []Stub
	}{
		{"linux", "", []Stub{deep}},
		{"windows", "", []Stub{deep, other}},
		{"linux", "build: {tags: [special]}\n", nil}, // the file is there with cgo as well
	} {
		files, root := stubbed(), t.TempDir()
		files["manifest.yaml"] += test.build
		plan := testPlan(t, files)
		for _, cached := range []bool{false, true} { // what is kept says the same
			b := testBuilder(t, Options{CacheDir: root}, runGo)
			output, err := b.Build(t.Context(), plan, executable.Platform{OS: test.os, Arch: "amd64"}, Stamp{})
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(output.Stubs) != fmt.Sprint(test.want) || output.Cached != cached {
				t.Errorf("for %s with %q: %v, cached %v; want %v, %v", test.os, test.build, output.Stubs, output.Cached, test.want, cached)
			}
		}
	}
}
