package main

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/internal/raced"
)

// newIntegrationEnv is the environment of authors who have kpkg, and modules but no network.
func newIntegrationEnv(t *testing.T) []string {
	t.Helper()
	program, err := exec.LookPath("kpkg")
	if err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(), "KPKG="+program, "GOPROXY=off", "GOFLAGS=-mod=mod -trimpath", "CGO_ENABLED=0", "GOTOOLCHAIN=local",
		"GOWORK=off")
}

// runIn runs a program that has to succeed, and returns what it prints.
func runIn(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s in %s: %v\n%s", cmd, dir, err, out)
	}
	return string(out)
}

// TestNewIntegration makes one with all connectors, and does with it what an author does, its own tests included.
func TestNewIntegration(t *testing.T) {
	raced.Skip(t, "other programs do the work")
	t.Parallel()
	dir, env := t.TempDir(), newIntegrationEnv(t)
	runIn(t, dir, env, "kpkg", "init", "notes", "--importer", "--exporter", "--storage")
	notes := filepath.Join(dir, "notes")
	if out := runIn(t, notes, env, "kpkg", "validate", "--strict"); out != "manifest.yaml: no findings\n" {
		t.Errorf("kpkg validate says\n%s", out)
	}
	runIn(t, notes, env, "kpkg", "create", ".", "v0.1.0", "--out-dir", "dist", "--strict")
	file := filepath.Join("dist", "notes_v0.1.0_"+strings.ReplaceAll(executable.Host().String(), "/", "_")+".ptar")
	if out := runIn(t, notes, env, "kpkg", "verify", file); !strings.HasPrefix(out, "ok  notes v0.1.0 ") {
		t.Errorf("kpkg verify says\n%s", out)
	}
	// The test of the integration runs kpkg test, with a test for each check of each connector.
	out := runIn(t, notes, env, "go", "test", "-count=1", "-v", ".")
	for _, connector := range []string{"importer:notes", "exporter:notes", "storage:notes"} {
		if !strings.Contains(out, "--- PASS: TestConnectors/"+connector+"/plugin-starts") {
			t.Errorf("no check of %s was a test that passed", connector)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^.*--- SKIP: .*$`).FindAllString(out, -1) {
		if !regexp.MustCompile(`importer-(single|cut-file|xattr|no-xattr|.*attribute)`).MatchString(m) {
			t.Errorf("a check was not made: %s", m)
		}
	}
	// Without kpkg it fails, and so it does when a connector is broken.
	var without []string
	for _, variable := range env {
		if !strings.HasPrefix(variable, "KPKG=") {
			without = append(without, variable)
		}
	}
	wantFailure(t, notes, without, "KPKG is not set")
	program := filepath.Join(notes, "connector", "importer.go")
	source, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	broken := strings.Replace(string(source), "found <- result", "found <- result\n\t\t\t\tfound <- result", 1)
	manifest, err := os.ReadFile(filepath.Join(notes, "manifest.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	alone, _, _ := strings.Cut(string(manifest), "- type: exporter") // the others take their time
	writeFiles(t, notes, map[string]string{"connector/importer.go": broken, "manifest.yaml": alone, "kpkg-test.yaml": ""})
	wantFailure(t, notes, env, "--- FAIL: TestConnectors/importer:notes/importer-")
}

func wantFailure(t *testing.T, dir string, env []string, want string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", ".")
	cmd.Dir, cmd.Env = dir, env
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
		t.Errorf("go test ends with %v and does not say %q:\n%s", err, want, out)
	}
}

// editedByHand is what the author of examples/ftp would write over what kpkg init has written, by file and line.
var editedByHand = map[string]map[string][]string{
	"manifest.yaml": {
		"description: ": {"description: Backs up trees of files from FTP servers and restores them"},
		"tags: ":        {"tags: [ftp, ftps]"},
	},
	"schemas/importer.json": {
		`"title": `:                       {`  "title": "Folder on an FTP server",`},
		`"pattern": `:                     {`      "pattern": "^ftp://([^/@:]+@)?[^/@]+(/.*)?$",`},
		`"description": "What to back up`: {`      "description": "ftp://[USER@]HOST[:PORT][/PATH]; PATH is absolute on the server and percent-encoded"`},
		`"description": "Password"`:       {`      "description": "The user's password"`},
		`"description": "Tls"`:            {`      "enum": ["none", "explicit", "implicit"], "default": "none",`, `      "description": "explicit starts TLS on the usual port, implicit speaks nothing else, on port 990"`},
		`"description": "Username"`:       {`      "description": "Who logs in, unless the location says it; anonymous without either"`},
	},
}

var sixPlatforms = flag.String("platforms", executable.Host().String(), "what TestTwoCommands makes packages for; all are six")

// TestTwoCommands goes from the connectors of examples/ftp, and nothing else, to packages that verify, and counts what is left
// for the author to write that is no logic. Packages for six platforms take minutes of compiling: make platforms.
func TestTwoCommands(t *testing.T) {
	raced.Skip(t, "other programs do the work")
	t.Parallel()
	dir, env := t.TempDir(), newIntegrationEnv(t)
	example := filepath.Join(treeRoot(t), "examples", "ftp")
	if err := os.CopyFS(filepath.Join(dir, "connector"), os.DirFS(filepath.Join(example, "connector"))); err != nil {
		t.Fatal(err)
	}
	module, err := os.ReadFile(filepath.Join(example, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(example, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	own := regexp.MustCompile(`(?m)^.*PlakarKorp/kpkg.*\n`).ReplaceAll(module, nil)
	writeFiles(t, dir, map[string]string{"go.mod": "module example.org/ftp\n" + string(own), "go.sum": string(sums)})

	runIn(t, dir, env, "kpkg", "init", "ftp", "--from", "./connector")
	lines := 0
	for file, edits := range editedByHand {
		name := filepath.Join(dir, filepath.FromSlash(file))
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		for old, edited := range edits {
			pattern := regexp.MustCompile(`(?m)^ *` + regexp.QuoteMeta(old) + `.*$`)
			if n := len(pattern.FindAllString(text, -1)); n != 1 {
				t.Errorf("%s has %d lines %s", file, n, old)
			}
			text = pattern.ReplaceAllLiteralString(text, strings.Join(edited, "\n"))
			lines += len(edited)
		}
		writeFiles(t, dir, map[string]string{file: text})
	}
	t.Logf("%d lines that are not logic", lines)
	if lines > 12 {
		t.Errorf("%d lines that are not logic", lines)
	}
	// The schemas say then what the example's own says.
	var got, want any
	for name, into := range map[string]*any{
		filepath.Join(dir, "schemas", "importer.json"): &got, filepath.Join(example, "schema.json"): &want,
	} {
		data, err := os.ReadFile(name)
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	gotText, _ := json.Marshal(got)
	wantText, _ := json.Marshal(want)
	if string(gotText) != string(wantText) {
		t.Errorf("the schema is\n%s\nwant\n%s", gotText, wantText)
	}

	count := map[string]int{"all": len(executable.Shipped())}[*sixPlatforms]
	out := runIn(t, dir, env, "kpkg", "create", ".", "v0.1.0", "--platform", *sixPlatforms, "--out-dir", "dist", "--strict")
	packages, err := filepath.Glob(filepath.Join(dir, "dist", "ftp_v0.1.0_*.ptar"))
	if err != nil || len(packages) != max(count, 1) {
		t.Fatalf("%d packages, %v:\n%s", len(packages), err, out)
	}
	runIn(t, dir, env, "kpkg", append([]string{"verify"}, packages...)...)
}

func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWorkflow looks at the commands in the workflow of a new integration as pages' are looked at.
func TestWorkflow(t *testing.T) {
	dir := t.TempDir()
	runIn(t, dir, os.Environ(), "kpkg", "init", "notes")
	data, err := os.ReadFile(filepath.Join(dir, "notes", ".github", "workflows", "integration.yml"))
	if err == nil {
		err = checkWorkflow(t, strings.ReplaceAll(string(data), `"$GITHUB_REF_NAME"`, "v1.2.3"))
	}
	if err != nil {
		t.Error(err)
	}
}
