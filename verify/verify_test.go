package verify_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/PlakarKorp/kpkg/executable/executabletest"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
	"github.com/PlakarKorp/kpkg/verify"
)

var update = flag.Bool("update", false, "rewrite the tables of rules in the documentation")

const goodManifest = `name: sample
display_name: Sample
description: a sample
license: ISC
homepage: https://example.org/sample
api_version: v1.1.0
connectors:
- type: importer
  class: service
  subclass: ftp
  validator: schema/importer.json
  protocols: [sample]
  executable: importer
  extra_files: [data/words]
`

// good is a package with which nothing is wrong.
func good(t testing.TB) []ptartest.File {
	return []ptartest.File{
		{Path: "manifest.yaml", Mode: 0o644, Content: []byte(goodManifest)},
		{Path: "importer", Mode: 0o755, Content: executabletest.Program(t, "linux", "amd64")},
		{Path: "schema/importer.json", Mode: 0o644, Content: []byte(`{"type": "object", "properties": {"host": {"type": "string"}}}`)},
		{Path: "data/words", Mode: 0o644, Content: []byte("words\n")},
		{Path: "README.md", Mode: 0o644, Content: []byte("# Sample\n")},
		{Path: "LICENSE", Mode: 0o644, Content: []byte("ISC\n")},
	}
}

const goodName = "sample_v1.0.0_linux_amd64.ptar"

// write writes a package to a new folder.
func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func run(t testing.TB, path string, opts verify.Options) *verify.Report {
	t.Helper()
	report, err := verify.File(context.Background(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	raised = append(raised, report.Findings...)
	return report
}

func TestGoodPackage(t *testing.T) {
	path := write(t, goodName, ptartest.Kpkg(t, good(t)))
	report := run(t, path, verify.Options{Strict: true})
	if len(report.Findings) > 0 {
		t.Errorf("findings: %v", report.Findings)
	}
	if len(report.Checks) != 12 {
		t.Errorf("%d checks ran: %v", len(report.Checks), report.Checks)
	}
	if report.Name != "sample" || report.Version != "v1.0.0" || report.OS != "linux" || report.Arch != "amd64" {
		t.Errorf("identity: %+v", report)
	}
	if len(report.Connectors) != 1 || !slices.Equal(report.Connectors[0].Protocols, []string{"sample"}) {
		t.Errorf("connectors: %+v", report.Connectors)
	}
	if len(report.Executables) != 1 {
		t.Fatalf("executables: %+v", report.Executables)
	}
	want := verify.Executable{
		Path: "importer", Size: int64(len(executabletest.Program(t, "linux", "amd64"))), Format: "elf", OS: "linux", Arch: "amd64",
		Go: runtime.Version(), Main: "example.org/importer", Modules: []verify.Module{}, Trimpath: true, Stripped: true,
	}
	if got := report.Executables[0]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("executable: %+v, not %+v", got, want)
	}
	if info, err := os.Stat(path); err != nil || report.Size != info.Size() || len(report.SHA256) != 64 {
		t.Errorf("size %d, sha256 %q", report.Size, report.SHA256)
	}
}

// upstreamPackage holds that what the client's own "pkg create" writes installs, with warnings on privacy.
func upstreamPackage(t *testing.T) {
	report := run(t, write(t, goodName, ptartest.Upstream(t, good(t), nil)), verify.Options{})
	if finding.HasErrors(report.Findings) {
		t.Errorf("errors: %v", report.Findings)
	}
	for _, rule := range []string{"privacy-origin", "privacy-owner", "privacy-inode", "privacy-time"} {
		if !slices.ContainsFunc(report.Findings, func(f finding.Finding) bool { return f.Rule == rule }) {
			t.Errorf("no finding %s in %v", rule, report.Findings)
		}
	}
	if report.Findings[0].File != report.File || !strings.Contains(fmt.Sprint(report.Findings), "MachineID") {
		t.Errorf("findings: %v", report.Findings)
	}
}

// TestName judges a package under the name that it is about to have.
func TestName(t *testing.T) {
	path := write(t, "temporary", ptartest.Kpkg(t, good(t)))
	report := run(t, path, verify.Options{Name: goodName, Strict: true})
	if len(report.Findings) > 0 || report.File != goodName || report.Version != "v1.0.0" {
		t.Errorf("%+v", report)
	}
}

// TestTooLong holds that a file that is too long for a package is not read to its end.
func TestTooLong(t *testing.T) {
	path := write(t, goodName, nil)
	if err := os.Truncate(path, 1<<40); err != nil { // takes no room
		t.Fatal(err)
	}
	report := run(t, path, verify.Options{})
	expect(t, report.Findings, finding.Error, "package-limit", "more than the 9663676416 of any package")
	if report.SHA256 != "" {
		t.Errorf("it was summed: %s", report.SHA256)
	}
}

// TestReplaced verifies a file whose name changes hands all the time: the sum in a report must be that of the content in it.
func TestReplaced(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	if testing.Short() {
		t.Skip("verifies a hundred times")
	}
	sums := map[string]string{} // of the whole package, by RepositoryID
	var contents [2][]byte
	for i, description := range []string{"a sample", "b sample"} {
		files := manifestWith(t, "description: a sample", "description: "+description)
		contents[i] = ptartest.Kpkg(t, files)
		sum := sha256.Sum256(contents[i])
		report := run(t, write(t, goodName, contents[i]), verify.Options{})
		sums[report.Encoding.RepositoryID] = hex.EncodeToString(sum[:])
	}
	if len(sums) != 2 {
		t.Fatal("the two packages cannot be told apart")
	}
	path := write(t, goodName, contents[0])
	stop := make(chan struct{})
	var swapping sync.WaitGroup
	swapping.Go(func() {
		for i := 1; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			other := filepath.Join(filepath.Dir(path), "other")
			if err := os.WriteFile(other, contents[i%2], 0o600); err != nil {
				t.Error(err)
				return
			}
			if err := os.Rename(other, path); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 100 {
		report := run(t, path, verify.Options{})
		if want := sums[report.Encoding.RepositoryID]; report.SHA256 != want {
			t.Errorf("the sum is %s, that of the content judged %s", report.SHA256, want)
			break
		}
	}
	close(stop)
	swapping.Wait()
}
