package conformance_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/PlakarKorp/kpkg/conformance"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/raced"
)

// broken, outer and singleFile are the executables of testdata.
var broken, outer, singleFile string

// outerFaults are those of testdata/outer.
var outerFaults = []string{
	"prints to stdout", "tells the password", "exits at once", "says nothing", "exits with 1", "outlives its host",
	"outlives its work", "ignores SIGTERM", "ignores SIGINT", "succeeds before Init", "knows every method", "takes any Init",
	"gives any path", "dies of unknown acknowledgements", "dies of empty acknowledgements", "drops stray chunks", "takes 4 MiB at most",
	"takes any MAC", "takes any handle", "outlives an unfinished Resolve",
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "conformance-")
	if err == nil {
		broken, outer = filepath.Join(dir, "broken.exe"), filepath.Join(dir, "outer.exe")
		singleFile = filepath.Join(dir, "single.exe")
		for path, main := range map[string]string{
			broken: "./testdata/broken", outer: "./testdata/outer", singleFile: "./testdata/single",
		} {
			if out, buildErr := exec.Command("go", "build", "-o", path, main).CombinedOutput(); buildErr != nil {
				err = fmt.Errorf("%w\n%s", buildErr, out)
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "building testdata:", err)
		os.Exit(1)
	}
	// Most of the time goes to plugins that do not end, which takes no processor; under the race detector, to the processor.
	flag.Parse()
	if !raced.On() {
		flag.Set("test.parallel", "8")
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// config is a connector of testdata.
func config(connectorType, fault string) conformance.Config {
	program := conformance.Program{Executable: broken, Args: []string{connectorType, fault}}
	if slices.Contains(outerFaults, fault) {
		program = conformance.Program{Executable: outer, Args: []string{connectorType, fault, broken}}
	}
	c := conformance.Config{Type: connectorType, Protocol: "fis", LocationFlags: []string{"localfs"}, Program: program}
	if connectorType == conformance.SecretProvider {
		c.Handle = "db"
	}
	return c
}

// TestBuiltins tests plakar's own connectors for local files, as plugins.
func TestBuiltins(t *testing.T) {
	for _, connectorType := range conformance.Types() {
		t.Run(connectorType, func(t *testing.T) {
			t.Parallel()
			conformance.Test(t, config(connectorType, "none"))
		})
	}
}

// TestGivenLocation tests at a location of the user's, and the importer from an executable that Test builds.
func TestGivenLocation(t *testing.T) {
	raced.Skip(t, "TestBuiltins runs the same code")
	for _, connectorType := range []string{conformance.Importer, conformance.Exporter, conformance.Storage} {
		t.Run(connectorType, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o644); err != nil {
				t.Fatal(err)
			}
			c := config(connectorType, "without a fault")
			if connectorType == conformance.Importer {
				c.Executable, c.Main = "", "./testdata/broken"
			}
			c.Settings = map[string]string{"location": "fis://" + dir}
			conformance.Test(t, c)
		})
	}
}

// TestRelativeLocation takes a location as plakar does: relative to the folder it is given in, and without slashes.
func TestRelativeLocation(t *testing.T) {
	t.Chdir(t.TempDir())
	for connectorType, check := range map[string]string{
		conformance.Importer: "importer-complete", conformance.Exporter: "exporter-content",
	} {
		if err := os.MkdirAll(filepath.Join("here", "folder"), 0o755); err != nil {
			t.Fatal(err)
		}
		c := config(connectorType, "none")
		c.Settings = map[string]string{"location": "fis:here"}
		c.Only = []string{check}
		results, err := conformance.Run(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if results[0].Status != conformance.Pass {
			t.Errorf("%s: %s %s", check, results[0].Status, results[0].Detail)
		}
	}
}

// TestNothingGiven skips what needs a location, and says so.
func TestNothingGiven(t *testing.T) {
	c := config(conformance.Importer, "none")
	c.LocationFlags = nil
	results, err := conformance.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		switch {
		case r.Status == conformance.Fail:
			t.Errorf("%s: %s", r.ID, r.Detail)
		case strings.HasPrefix(r.ID, "importer-") && (r.Status != conformance.Skip || r.Detail == ""):
			t.Errorf("%s: %s %q", r.ID, r.Status, r.Detail)
		}
	}
}

func TestWrongConfig(t *testing.T) {
	for want, change := range map[string]func(*conformance.Config){
		"name its type and protocol": func(c *conformance.Config) { c.Type = "provider" },
		"not for an importer":        func(c *conformance.Config) { c.Handle = "db" },
		"as in importer:ftp":         func(c *conformance.Config) { c.Protocol = "" },
		"no executable":              func(c *conformance.Config) { c.Executable = "" },
		`location flag "localfile"`:  func(c *conformance.Config) { c.LocationFlags = []string{"localfile"} },
		`no check "importer-none"`:   func(c *conformance.Config) { c.Only = []string{"importer-none"} },
	} {
		c := config(conformance.Importer, "none")
		change(&c)
		if _, err := conformance.Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

// TestCancelled leaves neither processes nor files behind.
func TestCancelled(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(500*time.Millisecond, cancel)
	if _, err := conformance.Run(ctx, config(conformance.Importer, "none")); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v", err)
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestCancelledBetween starts no plugin when there is nobody left to wait for the checks.
func TestCancelledBetween(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := config(conformance.Importer, "none")
	c.Executable = filepath.Join(t.TempDir(), "missing")
	c.Only = []string{"importer-again", "importer-unread", "importer-abandoned"}
	results, err := conformance.Run(ctx, c)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v", err)
	}
	for _, r := range results {
		if strings.Contains(r.Detail, "starting plugin") {
			t.Errorf("%s: %s", r.ID, r.Detail)
		}
	}
}

// TestSecrets keeps the configuration's secrets out of the results and of what the plugin prints: those of keys that are
// named like secrets, and those that are said to be some.
func TestSecrets(t *testing.T) {
	c := config(conformance.Importer, "tells the password")
	c.Settings = map[string]string{"password": "hunter2secret"}
	results, err := conformance.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if strings.Contains(r.Detail, "hunter2secret") {
			t.Errorf("%s: %s", r.ID, r.Detail)
		}
	}
	failed := conformance.Findings("x", results)[0]
	if failed.Rule != "plugin-starts" || !strings.Contains(failed.Message, "***") {
		t.Errorf("got %v", failed)
	}

	var printed bytes.Buffer
	c = config(conformance.Importer, "tells the pin and the rhyme")
	c.Settings = map[string]string{"location": "fis://" + t.TempDir(), "pin": "93751", "rhyme": "roses\nare red"}
	c.Secrets, c.Stderr = []string{"93751", "roses\nare red"}, &printed
	c.Only = []string{"plugin-init"}
	if results, err = conformance.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if got := results[0].Detail; !strings.Contains(got, "wrong rhyme ***") || strings.Contains(got, "roses") {
		t.Errorf("got %q", got)
	}
	if got := printed.String(); !strings.Contains(got, "the pin is ***") || strings.Contains(got, "93751") {
		t.Errorf("printed %q", got)
	}

	c = config(conformance.Importer, "none")
	c.Settings = map[string]string{"location": "fis:me:hunter2secret@nohost/x"} // of which a path is made
	c.Only = []string{"importer-complete"}
	if results, err = conformance.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if got := results[0].Detail; !strings.Contains(got, "/me:***@nohost/x") {
		t.Errorf("got %q", got)
	}

	printed.Reset()
	c = config(conformance.Storage, "prints the password")
	c.Settings, c.Stderr = map[string]string{"password": "hunter2secret"}, &printed
	c.Only = []string{"plugin-minimal-init"} // which the host does not make itself
	if _, err = conformance.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if got := printed.String(); !strings.Contains(got, `with "***"`) || strings.Contains(got, "hunter2secret") {
		t.Errorf("printed %q", got)
	}
}

// TestRealSecrets finds the secrets that were given where there is no place for one that is made up, and tells nobody.
func TestRealSecrets(t *testing.T) {
	for _, test := range []struct {
		fault, check string
		settings     map[string]string
		status       conformance.Status
		detail       string
	}{
		{"prints the password", "plugin-secret-stderr", map[string]string{"password": "hunter2secret"},
			conformance.Fail, `it prints "logging in with \"***\""`},
		{"passes the password on", "plugin-secret-process", map[string]string{"password": "hunter2secret"},
			conformance.Fail, "process's arguments"},
		{"prints the password and knows no token", "plugin-secret-stderr", map[string]string{"password": "hunter2secret"},
			conformance.Fail, `it prints "logging in with ***"`},
		{"prints the password and knows no token", "plugin-secret-stderr", nil, conformance.Skip, "unknown key token"},
		{"none", "plugin-secret-process", map[string]string{"password": "PATH"}, conformance.Skip, "something like the password"},
	} {
		t.Run(test.fault, func(t *testing.T) {
			c := config(conformance.Storage, test.fault)
			c.Settings, c.Only = test.settings, []string{test.check}
			results, err := conformance.Run(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			got := results[0]
			if skipLacking(t, got); got.Status != test.status || !strings.Contains(got.Detail, test.detail) {
				t.Errorf("%s %s, want %s %s", got.Status, got.Detail, test.status, test.detail)
			}
		})
	}
}

// given is a connector tested at a location of the user's, with a few files in it for an importer.
func given(t *testing.T, connectorType, fault string) conformance.Config {
	t.Helper()
	c := config(connectorType, fault)
	c.LocationFlags = nil
	dir := filepath.Join(t.TempDir(), "place")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"first", "second", "names/third"} {
		if connectorType == conformance.Importer {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte(name), 1000), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.Settings = map[string]string{"location": "fis://" + dir}
	return c
}

// TestSourcesOfTheirOwn takes for no fault what plakar makes up for, and what lies in the source.
func TestSourcesOfTheirOwn(t *testing.T) {
	for fault, want := range map[string]map[string]string{
		"forgets a folder":   {"fail importer-parents": "its folder"},
		"brings no folders":  {"skip importer-parents": "plakar makes it"},
		"knows no sizes":     {"skip importer-sizes": "plakar counts them itself"},
		"has the time in it": {"skip importer-sizes": "says 0", "skip importer-again": "differs whenever it is read"},
		"stops for errors":   {"skip importer-unanswered": "waits for acknowledgements"},
		"differs each time":  {"fail importer-again": "and then"},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			c := given(t, conformance.Importer, fault)
			c.Only = []string{"importer-parents", "importer-sizes", "importer-again", "importer-concurrent", "importer-unanswered"}
			got := notPassed(t, c)
			for what, detail := range want {
				if !strings.Contains(got[what], detail) {
					t.Errorf("%s: %q, want %q", what, got[what], detail)
				}
			}
			if len(got) != len(want) {
				t.Errorf("did not pass: %v, want %v", got, want)
			}
		})
	}
}

// TestPlaces says once that a storage is not where its location is, and finds a new name in the setting that says where.
func TestPlaces(t *testing.T) {
	c := given(t, conformance.Storage, "without a fault")
	c.Settings["root"] = filepath.Join(t.TempDir(), "root")
	c.Only = append(family(conformance.Storage, "storage"), "plugin-ping", "plugin-close")
	failed := map[string]string{}
	for what, detail := range notPassed(t, c) {
		if strings.HasPrefix(what, "fail ") {
			failed[what] = detail
		}
	}
	if len(failed) != 1 || !strings.Contains(failed["fail storage-places"], "root=NAME-{unique}") {
		t.Errorf("failed: %v", failed)
	}
	c.Settings["root"] = filepath.Join(t.TempDir(), "root-{unique}")
	if got := notPassed(t, c); len(got) > 0 {
		t.Errorf("with a name for each check did not pass: %v", got)
	}
}

// TestPluginWithoutImport judges a plugin that cannot do its work for what it can.
func TestPluginWithoutImport(t *testing.T) {
	for connectorType, fault := range map[string]string{
		conformance.Importer: "fails at the end", conformance.Exporter: "forgets a result", conformance.Storage: "cannot create",
	} {
		c := config(connectorType, fault)
		c.Only = []string{"plugin-init", "plugin-sigterm", "plugin-secret-stderr", connectorType + "-answers", "importer-complete",
			"storage-create"}
		c.Only = slices.DeleteFunc(c.Only, func(id string) bool {
			return !slices.ContainsFunc(conformance.Checks(connectorType), func(k conformance.Check) bool { return k.ID == id })
		})
		if got := notPassed(t, c); len(got) != 1 {
			t.Errorf("%s: did not pass: %v", fault, got)
		}
	}
}

func TestFindings(t *testing.T) {
	got := conformance.Findings("x.ptar", []conformance.Result{
		{ID: "plugin-starts", Connector: "importer:ftp", Title: "it starts", Status: conformance.Pass},
		{ID: "plugin-ping", Connector: "importer:ftp", Title: "Ping succeeds", Status: conformance.Fail, Detail: "no"},
		{ID: "plugin-flags", Connector: "importer:ftp", Title: "flags", Status: conformance.Skip, Detail: "none"},
		{ID: "plugin-init", Connector: "storage:ftp", Title: "Init", Status: conformance.Skip, Detail: "no location"},
		{ID: "plugin-close", Connector: "storage:ftp", Title: "Close", Status: conformance.Skip, Detail: "no location"},
	})
	want := []finding.Finding{
		{Rule: "plugin-ping", Severity: finding.Error, File: "x.ptar", Message: "importer:ftp: no",
			Hint: "expected: Ping succeeds"},
		{Rule: "plugin-flags", Severity: finding.Info, File: "x.ptar", Message: "importer:ftp: not checked: none",
			Hint: "expected: flags"},
		{Rule: "plugin-init", Severity: finding.Info, File: "x.ptar",
			Message: "storage:ftp: 2 checks not made: no location", Hint: "not made: plugin-init, plugin-close"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestDocumented holds docs/testing.md to the checks there are.
func TestDocumented(t *testing.T) {
	document, err := os.ReadFile("../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, connectorType := range conformance.Types() {
		for _, check := range conformance.Checks(connectorType) {
			row := fmt.Sprintf("| `%s` | %s |\n", check.ID, check.Title)
			if !seen[check.ID] && !strings.Contains(string(document), row) {
				t.Errorf("docs/testing.md lacks the row %s", row)
			}
			seen[check.ID] = true
		}
	}
	if rows := strings.Count(string(document), "\n| `"); rows != len(seen) {
		t.Errorf("docs/testing.md has %d checks, there are %d", rows, len(seen))
	}
}

// TestCoverage builds a plugin that tells what is reached in it, into the folder that GOCOVERDIR names.
func TestCoverage(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("GOCOVERDIR", dir)
	conformance.Test(t, conformance.Config{
		Type: conformance.Importer, Protocol: "zip", Only: []string{"plugin-exit-status"}, Settings: source(t, "zip"),
		Program: conformance.Program{Main: "./testdata/single", Args: []string{"importer", "none"}},
	})
	for _, pattern := range []string{"covmeta.*", "covcounters.*"} {
		if files, err := filepath.Glob(filepath.Join(dir, pattern)); err != nil || len(files) == 0 {
			t.Errorf("%s: %v, %v", pattern, files, err)
		}
	}
}

// TestCosts tells once what each connector took.
func TestCosts(t *testing.T) {
	for connectorType, check := range map[string]string{
		conformance.Importer: "importer-complete", conformance.Exporter: "exporter-answers", conformance.Storage: "storage-put-get",
	} {
		c := config(connectorType, "none")
		c.Only = []string{check}
		var costs []conformance.Cost
		c.Measured = func(cost conformance.Cost) { costs = append(costs, cost) }
		if got := notPassed(t, c); len(got) > 0 || len(costs) != 1 {
			t.Fatalf("%s: did not pass: %v; costs %v", connectorType, got, costs)
		}
		got := costs[0]
		if got.Connector != connectorType+":fis" || got.Entries < 5 || got.Bytes < 6<<20 || got.Seconds <= 0 {
			t.Errorf("%+v", got)
		}
		if runtime.GOOS == "linux" && (got.Memory < 1<<20 || got.Memory > 1<<30) {
			t.Errorf("%s takes %d bytes of memory", connectorType, got.Memory)
		}
	}
}
