package verify_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
	"github.com/PlakarKorp/kpkg/verify"
)

// holding gives a file of a package other content.
func holding(text string) func(*ptartest.File) {
	return func(f *ptartest.File) { f.Content = []byte(text) }
}

// TestClients holds which releases of plakar a package is said to be for, whatever else is asked.
func TestClients(t *testing.T) {
	edited := func(old, text string) []ptartest.File {
		if !strings.Contains(goodManifest, old) {
			t.Fatalf("no %q", old)
		}
		return change(t, "manifest.yaml", holding(strings.Replace(goodManifest, old, text, 1)))
	}
	for name, test := range map[string]struct {
		files []ptartest.File
		want  string // the lines that can use it
	}{
		"good":             {edited("name", "name"), "v1.1 next"},
		"secrets":          {edited("class: service\n  subclass: ftp", "class: security\n  subclass: secret-manager"), "next"},
		"new flag":         {edited("protocols:", "location_flags: [exportxattr]\n  protocols:"), "next"},
		"new interface":    {edited("api_version: v1.1.0", "api_version: v1.2.0"), ""},
		"strict":           {edited("description: a sample\n", ""), "v1.1"},
		"no README":        {change(t, "README.md", nil), "v1.1"},
		"skipped type":     {edited("type: importer", "type: inventory"), ""},
		"built-in":         {edited("protocols: [sample]", "protocols: [fs]"), ""},
		"missing file":     {change(t, "data/words", nil), ""},
		"missing program":  {change(t, "importer", nil), ""},
		"strict validator": {change(t, "schema/importer.json", holding(`{"type": "array"}`)), "v1.1"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, goodName, ptartest.Kpkg(t, test.files))
			for _, strict := range []bool{false, true} {
				var usable []string
				for _, c := range run(t, path, verify.Options{Strict: strict}).Clients {
					if c.Usable {
						usable = append(usable, c.Name)
					}
				}
				if got := strings.Join(usable, " "); got != test.want {
					t.Errorf("strict %t: usable by %q, want %q", strict, got, test.want)
				}
			}
			for _, client := range []string{"v1.0", "v1.1", "next"} {
				report := run(t, path, verify.Options{Client: client})
				usable := strings.Contains(" "+test.want+" ", " "+client+" ")
				named := finding.Finding{}
				for _, f := range report.Findings {
					if f.Rule == "client" {
						named = f
					}
				}
				if usable != (named.Rule == "" && !wrongFor(report, client)) {
					t.Errorf("--client %s: %v", client, report.Findings)
				}
			}
		})
	}
}

// wrongFor tells whether the report says that a client cannot use the package.
func wrongFor(report *verify.Report, client string) bool {
	for _, c := range report.Clients {
		if c.Name == client {
			return !c.Usable
		}
	}
	return true
}

// TestOldSDK names an executable that is built on a 1.0 SDK.
func TestOldSDK(t *testing.T) {
	for version, want := range map[string]string{"v1.0.5": "", "v1.1.0": "v1.1 next", "v1.2.0": ""} {
		dir := t.TempDir()
		for name, text := range map[string]string{
			"go.mod": "module example.org/importer\n\ngo 1.24\n\nrequire github.com/PlakarKorp/go-kloset-sdk " + version +
				"\n\nreplace github.com/PlakarKorp/go-kloset-sdk => ./sdk\n",
			"main.go":    "package main\n\nimport _ \"github.com/PlakarKorp/go-kloset-sdk\"\n\nfunc main() {}\n",
			"sdk/go.mod": "module github.com/PlakarKorp/go-kloset-sdk\n\ngo 1.24\n",
			"sdk/sdk.go": "package sdk\n",
		} {
			path := filepath.Join(dir, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", "program", ".")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH, "GOFLAGS=-mod=mod -trimpath", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		program, err := os.ReadFile(filepath.Join(dir, "program"))
		if err != nil {
			t.Fatal(err)
		}
		report := run(t, write(t, goodName, ptartest.Kpkg(t, change(t, "importer", holding(string(program))))), verify.Options{})
		var usable []string
		for _, c := range report.Clients {
			if c.Usable {
				usable = append(usable, c.Name)
			}
		}
		if diff := cmp.Diff(want, strings.Join(usable, " ")); diff != "" {
			t.Errorf("%s: %s", version, diff)
		}
		if version == "v1.0.5" {
			expect(t, report.Findings, finding.Error, "executable-protocol", "importer is built on the 1.0 SDK")
		}
	}
}
