package manifest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/PlakarKorp/kpkg/finding"
)

var update = flag.Bool("update", false, "write the golden files from what is found")

const manifests = "../testdata/manifests"

// example is a manifest of the test data: FILE.yaml alone, or FOLDER/manifest.yaml with the tree around it. What is found
// in it stands beside it in FILE.txt, or FOLDER/findings.txt.
type example struct {
	document *Document
	options  CheckOptions
	golden   string
}

func examples(t *testing.T, pattern string) map[string]example {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(manifests, pattern))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]example{}
	for _, path := range paths {
		e := example{golden: filepath.Join(path, "findings.txt")}
		file := filepath.Join(path, "manifest.yaml")
		if name, single := strings.CutSuffix(path, ".yaml"); single {
			e.golden = name + ".txt"
			file = path
		} else if info, err := os.Stat(path); err != nil || !info.IsDir() {
			continue
		} else {
			e.options.Tree = os.DirFS(path)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		e.document = Read("manifest.yaml", data)
		found[filepath.Base(path)] = e
	}
	return found
}

// report writes findings with their hints; then, if there are any, those that Strict makes worse.
func (e example) report(t *testing.T) string {
	var out strings.Builder
	write := func(f finding.Finding) {
		fmt.Fprintln(&out, f)
		if f.Hint != "" {
			fmt.Fprintf(&out, "    hint: %s\n", f.Hint)
		}
	}
	relaxed := checked(t, e.document, e.options)
	for _, f := range relaxed {
		write(f)
	}
	e.options.Strict = true
	separator := "with --strict:\n"
	for _, f := range checked(t, e.document, e.options) {
		if !slices.Contains(relaxed, f) {
			out.WriteString(separator)
			separator = ""
			write(f)
		}
	}
	return out.String()
}

// TestBadManifests holds the findings on manifests with one fault each.
func TestBadManifests(t *testing.T) {
	for name, e := range examples(t, "bad/*") {
		t.Run(name, func(t *testing.T) {
			got := e.report(t)
			if *update {
				if err := os.WriteFile(e.golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(e.golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
			if got == "" {
				t.Error("nothing found in a bad manifest")
			}
		})
	}
}

// TestGoodManifests finds no errors, not even with Strict except in the manifest that announced kpkg.
func TestGoodManifests(t *testing.T) {
	for name, e := range examples(t, "good/*") {
		t.Run(name, func(t *testing.T) {
			e.options.Strict = name != "announcement"
			findings := checked(t, e.document, e.options)
			for _, f := range findings {
				if f.Severity == finding.Error || e.options.Strict {
					t.Error(f)
				}
			}
			if name == "announcement" && len(findings) == 0 {
				t.Error("the announcement's manifest has no warnings")
			}
		})
	}
}

func checked(t *testing.T, document *Document, opts CheckOptions) []finding.Finding {
	t.Helper()
	findings, err := document.Check(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return findings
}
