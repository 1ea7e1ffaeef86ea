package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

// secretWord is a password whose first and last parts are found, however the characters between them are written.
const secretWord = "canary7731p%25%40x~4419canary"

// tellsSecret finds either part of it.
func tellsSecret(text string) bool {
	return strings.Contains(text, "canary7731") || strings.Contains(text, "4419canary")
}

// TestPasswordsInURLs gives commands addresses with a password, of servers that answer, refuse, answer nonsense, lead elsewhere or
// are not there. Nothing that is printed, and no page that is written, has it.
func TestPasswordsInURLs(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	dir := t.TempDir()
	archive := ptartest.Archive{Type: "fs", Snapshots: [][][]ptartest.File{{{{Path: "first", Mode: 0o644, Content: []byte("1\n")}}}}}.Bytes(t)
	if err := os.WriteFile(filepath.Join(dir, "good.ptar"), archive, 0o644); err != nil {
		t.Fatal(err)
	}
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, ok := r.BasicAuth(); ok && strings.HasPrefix(password, "canary7731") {
			asked++
		}
		switch r.URL.Path {
		case "/good.ptar":
			http.ServeFile(w, r, filepath.Join(dir, "good.ptar"))
		case "/text.ptar", "/text.yaml", "/text/integrations-v1.1.0.json":
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(strings.Repeat("nonsense\n", 500)))
		case "/elsewhere.ptar", "/elsewhere.yaml":
			http.Redirect(w, r, "http://me:"+secretWord+"@"+r.Host+"/gone", http.StatusFound)
		default:
			http.Error(w, "go away", http.StatusForbidden)
		}
	}))
	defer server.Close()
	with := strings.Replace(server.URL, "http://", "http://me:"+secretWord+"@", 1)
	var lines [][]string
	for _, address := range []string{
		with + "/good.ptar", with + "/text.ptar", with + "/elsewhere.ptar", with + "/gone.ptar", with + "/a\x1bb.ptar",
		"http://me:" + secretWord + "@[::1/x.ptar",
		strings.Replace(server.URL, "http://", "http://me:sla/sh"+secretWord+"@", 1) + "/x.ptar",
		"ftp://me:" + secretWord + "@127.0.0.1/x.ptar", "http://me:" + secretWord + "@",
	} {
		lines = append(lines,
			[]string{"inspect", address, "-v", "--layout"},
			[]string{"inspect", address, "--format", "json"},
			[]string{"inspect", address, "--html", "page.html", "--force"},
			[]string{"inspect", address, "good.ptar", "--format", "json"},
			[]string{"ls", address, "-lR"},
			[]string{"ls", address, "--format", "json"},
			[]string{"cat", address, "/first"},
			[]string{"cat", address, "/nowhere"},
			[]string{"extract", address, "-C", "out", "--force", "-v"},
			[]string{"extract", address, "nowhere", "-C", "out"},
			[]string{"check", address, "-v"},
			[]string{"check", address, "--format", "json"},
			[]string{"check", address, "--format", "junit"},
			[]string{"check", address, "--format", "sarif"},
			[]string{"check", address, "--format", "github"},
			[]string{"diff", address, "good.ptar", "--content"},
			[]string{"diff", "good.ptar", address, "--format", "json"},
			[]string{"diff", address, "."},
			[]string{"diff", address + "@ffff", address},
			[]string{"serve", address},
			[]string{"try", "ls", address},
			[]string{"try", "ls", address, "--format", "json"},
			// They take no addresses, and say so.
			[]string{"verify", address},
			[]string{"verify", address, "--format", "json"},
			[]string{"test", address},
			[]string{"install", address, "--root", "root"},
			[]string{"install", address, "--root", "root", "--format", "json"},
			[]string{"pack", address, "-o", "packed.ptar"},
			[]string{"validate", address},
			[]string{"matrix", address},
			[]string{"sign", address, "--key", address},
			[]string{"uninstall", address, "--root", "root"},
			[]string{"release", address, "v1.0.0"},
			[]string{"release", ".", "v1.0.0", "--repository", address},
		)
	}
	// A server that is not there is asked again and again, which takes seconds.
	lines = append(lines, []string{"check", "https://me:" + secretWord + "@127.0.0.1:1/x.ptar", "--format", "json"})
	for _, address := range []string{
		with + "/text.yaml", with + "/gone.yaml", with + "/elsewhere.yaml", "https://me:" + secretWord + "@[::1/recipe.yaml",
	} {
		lines = append(lines,
			[]string{"create", address, "v1.0.0", "-v"},
			[]string{"create", address, "--format", "json"},
			[]string{"create", address, "--format", "junit"},
		)
	}
	for _, address := range []string{with + "/text", with + "/gone", "http://me:" + secretWord + "@[::1"} {
		lines = append(lines,
			[]string{"index", "--check", address},
			[]string{"index", "--check", address, "--format", "json"},
			[]string{"index", address, "--out-dir", "tree"},
		)
	}
	// A repository in a recipe, which git is given and may name.
	recipe := "name: x\nversion: v1.0.0\nrepository: https://me:" + secretWord + "@127.0.0.1:1/x\n"
	if err := os.WriteFile(filepath.Join(dir, "recipe.yaml"), []byte(recipe), 0o644); err != nil {
		t.Fatal(err)
	}
	lines = append(lines, []string{"create", "recipe.yaml"}, []string{"create", "recipe.yaml", "--format", "json"})
	t.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state"))
	t.Setenv("GIT_TERMINAL_PROMPT", "0")
	for _, r := range each(t, dir, lines) {
		if tellsSecret(r.Out) {
			t.Errorf("kpkg %q tells the password: %.600s", r.Args, r.Out)
		}
		if r.Status != exitOK && strings.TrimSpace(r.Out) == "" {
			t.Errorf("kpkg %q says nothing", r.Args)
		}
		if testing.Verbose() {
			t.Logf("kpkg %q: %d after %v: %.300s", r.Args, r.Status, r.Took, r.Out)
		}
	}
	if asked == 0 {
		t.Error("the password never reached the server")
	}
	if page, err := os.ReadFile(filepath.Join(dir, "page.html")); err != nil || tellsSecret(string(page)) {
		t.Errorf("the page has the password, or there is none: %v", err)
	}
}

// TestPasswordsInLocations has a connector tell its location and settings in all ways that it has: no command passes the
// password on.
func TestPasswordsInLocations(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	dir := t.TempDir()
	pkg := recordsPackage(t)
	few := filepath.Join(dir, "few.ptar")
	if out, err := exec.Command("kpkg", "try", "backup", pkg, "records://x", "kind=files", "n=3", "-o", few).CombinedOutput(); err != nil {
		t.Fatalf("kpkg try backup: %v\n%s", err, out)
	}
	secretFile := filepath.Join(dir, "secret")
	if err := os.WriteFile(secretFile, []byte(secretWord+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KPKG_TEST_WORD", secretWord)
	data := filepath.Join(dir, "data.ptar")
	var lines [][]string
	for i, location := range [][]string{
		{"records://me:" + secretWord + "@host/x"}, {"records://host/x?a=b&token=" + secretWord + "#c"},
		{"records://host/x", "pin=@" + secretFile}, {"records:me:" + secretWord + "@host/x"},
		{"records://host/x", "password=" + secretWord}, {"records://host/x", "pin=$KPKG_TEST_WORD"},
		{"records://host/x", "endpoint=https://me:" + secretWord + "@host:99/"},
		{"http://me:" + secretWord + "@host/x"},
	} {
		kinds := []string{"tells in records", "tells at once", "tells later"}
		if i > 2 {
			kinds = kinds[:1]
		}
		for _, kind := range kinds {
			settings := append([]string{"kind=" + kind, "n=1", "-v", "--trace", "--format", "json"}, location[1:]...)
			lines = append(lines,
				append([]string{"try", "backup", pkg, location[0], "-o", data, "--force"}, settings...),
				append([]string{"try", "restore", pkg, location[0], few}, settings...),
				append([]string{"try", "backup", pkg, location[0], "-o", data, "--force"}, append(settings[:2:2], location[1:]...)...))
		}
		line := []string{"test", pkg, "--connector", "importer:records", "--only", "importer-complete", "--format", "junit",
			"--config", "location=" + location[0], "--config", "n=1", "--config", "kind=tells in records"}
		for _, setting := range location[1:] {
			line = append(line, "--config", setting)
		}
		lines = append(lines, line)
	}
	told := 0
	for _, r := range each(t, dir, lines) {
		told += strings.Count(r.Out, "here it is")
		if strings.Contains(r.Out, "without its password") {
			t.Errorf("kpkg %q keeps the password from the connector: %.1500s", r.Args, r.Out)
		}
		if tellsSecret(r.Out) {
			t.Errorf("kpkg %q tells the password: %.1500s", r.Args, r.Out)
		}
		if testing.Verbose() {
			t.Logf("kpkg %q: %d: %.1500s", r.Args, r.Status, r.Out)
		}
	}
	if told < len(lines) {
		t.Errorf("the connector told it %d times only", told)
	}
}
