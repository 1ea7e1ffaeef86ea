package verify_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kloset/packfile"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/finding/findingtest"
	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
	"github.com/PlakarKorp/kpkg/verify"
)

// raised are the findings of all runs of these tests.
var raised []finding.Finding

// TestRules runs the tests of bad packages, holds that one of them raises each rule, and that docs/verify.md explains them.
func TestRules(t *testing.T) {
	raced.Skip(t, "it judges one package after the other")
	raised = nil
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"content", badContent}, {"windows", windows}, {"strict", strict}, {"forged", forged}, {"incomplete", incomplete},
		{"uncompressed", uncompressed}, {"no package", noPackage}, {"damaged chunk", damagedChunk}, {"upstream", upstreamPackage},
		{"inconsistent", inconsistent}, {"protocol", protocol}, {"level", level}, {"broken check", brokenCheck}, {"client", unusable},
		{"images", images},
	} {
		if !t.Run(test.name, test.run) {
			t.Logf("%s failed: its rules may be missing below", test.name)
		}
	}
	var own []finding.Finding
	for _, f := range raised {
		if _, err := finding.Lookup(manifest.Rules, f.Rule); err != nil {
			own = append(own, f)
		}
	}
	findingtest.Raised(t, verify.Rules, own)
	rules := slices.Clone(verify.Rules)
	for _, id := range []string{"package-case", "package-path"} { // which a source has too
		rule, err := finding.Lookup(manifest.Rules, id)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, rule)
	}
	findingtest.Documented(t, rules, "../docs/verify.md", *update)
}

// unusable is a package for no release that there is.
func unusable(t *testing.T) {
	files := manifestWith(t, "api_version: v1.1.0", "api_version: v1.2.0")
	report := run(t, write(t, goodName, ptartest.Kpkg(t, files)), verify.Options{Client: "v1.1"})
	expect(t, report.Findings, finding.Error, "client", "cannot use the package")
}

// inconsistent is a package whose index has two blobs share a byte.
func inconsistent(t *testing.T) {
	f := ptartest.NewForgery(t, "LZ4", good(t))
	f.Index = func(blobs []packfile.Blob) []packfile.Blob { blobs[1].Length++; return blobs }
	report := run(t, write(t, goodName, f.Bytes()), verify.Options{})
	expect(t, report.Findings, finding.Error, "package-inconsistent", "overlap")
}

// protocol is about executables that were built with other versions of the protocol than their manifest names.
func protocol(t *testing.T) {
	for version, newer := range map[string]bool{
		"v1.1.0": false, "v1.1.7": false, "v1.2.0": true, "v2.0.0+incompatible": true,
	} {
		files := change(t, "importer", func(f *ptartest.File) { f.Content = speaking(t, version) })
		report := run(t, write(t, goodName, ptartest.Kpkg(t, files)), verify.Options{})
		if newer {
			expect(t, report.Findings, finding.Warning, "executable-protocol",
				"integration-grpc "+version+", newer than api_version v1.1.0")
		} else if len(report.Findings) > 0 {
			t.Errorf("%s: %v", version, report.Findings)
		}
	}
	files := change(t, "importer", func(f *ptartest.File) { f.Content = speaking(t, "v1.0.9") })
	report := run(t, write(t, goodName, ptartest.Kpkg(t, files)), verify.Options{})
	expect(t, report.Findings, finding.Error, "executable-protocol", "is built on the 1.0 SDK")
}

// speaking is an executable that Go built with a version of the protocol's module.
func speaking(t *testing.T, version string) []byte {
	t.Helper()
	const module = "github.com/PlakarKorp/integration-grpc"
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":      fmt.Sprintf("module example.org/importer\n\ngo 1.24\n\nrequire %[1]s %[2]s\n\nreplace %[1]s => ./grpc\n", module, version),
		"main.go":     "package main\n\nimport _ \"" + module + "\"\n\nfunc main() {}\n",
		"grpc/go.mod": "module " + module + "\n\ngo 1.24\n",
		"grpc/x.go":   "package grpc\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-o", "program", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=-trimpath", "GOWORK=off", "GOPROXY=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	data, err := os.ReadFile(filepath.Join(dir, "program"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// brokenCheck is a package that a check cannot stand: it is refused, and the other checks are made.
func brokenCheck(t *testing.T) {
	verify.AddCheck(t, "fragile", func() {
		var none []int
		_ = none[len(none)]
	})
	report := run(t, write(t, goodName, ptartest.Kpkg(t, good(t))), verify.Options{})
	last := report.Checks[len(report.Checks)-1]
	expect(t, report.Findings, finding.Error, "package-check", "the check fragile broke on it: runtime error: index out of range")
	if len(report.Findings) != 1 || last.ID != "fragile" || len(last.Findings) != 1 {
		t.Errorf("%+v", report)
	}
}

// TestLongStrings holds that what a package says comes out in lines, whatever its length.
func TestLongStrings(t *testing.T) {
	long := strings.Repeat("x", 1<<19)
	files := manifestWith(t, "name: sample", "name: "+long)
	report := run(t, write(t, goodName, ptartest.Kpkg(t, files)), verify.Options{})
	for _, f := range report.Findings {
		if len(f.Message)+len(f.Hint) > 3000 {
			t.Errorf("%s says %d bytes", f.Rule, len(f.Message)+len(f.Hint))
		}
	}
	expect(t, report.Findings, finding.Error, "package-name", "... (524288 bytes)")
}
