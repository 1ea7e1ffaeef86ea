package pages

import (
	"bufio"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// serve shows a tree with kpkg index --serve, and returns its address.
func serve(t testing.TB, tree string) string {
	t.Helper()
	cmd := exec.Command(kpkg, "index", "--serve", tree)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(cmd.Process.Signal(os.Interrupt), cmd.Wait()); err != nil {
			t.Errorf("it did not end well: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// TestServe asks for what is to be had, for what is not, and under another name.
func TestServe(t *testing.T) {
	tree := t.TempDir()
	for name, content := range map[string]string{"index.html": "list", "community/v1.1.0/a/icon.svg": "<svg/>", "community/v1.1.0/a/a.ptar": "x", ".kpkg.lock": "x", "community/v1.1.0/.kpkg-a/x": "x"} {
		put(t, filepath.Join(tree, name), content)
	}
	address := serve(t, tree)
	ask := func(path, host string) (*http.Response, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+path, nil)
		if err != nil {
			return nil, err
		}
		request.Host = host
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			answer.Body.Close()
		}
		return answer, err
	}
	for _, test := range []struct {
		path, host, header, want string
		status                   int
	}{
		{"", "", "Content-Type", "text/html; charset=utf-8", 200},
		{"index.html", "", "X-Content-Type-Options", "nosniff", 200},
		{"index.html", "localhost:80", "", "", 200},
		{"index.html", "packages.example.org:80", "", "", 403},
		{"index.html", "packages.example.org", "", "", 403},
		{"community/v1.1.0/a/icon.svg", "", "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox", 200},
		{"community/v1.1.0/a/a.ptar", "", "Content-Disposition", "attachment; filename=a.ptar", 200},
		{"community/v1.1.0/a/", "", "", "", 404},
		{".kpkg.lock", "", "", "", 404},
		{"community/v1.1.0/.kpkg-a/x", "", "", "", 404},
		{"community/..%2f..%2f..%2fetc/passwd", "", "", "", 404},
		{"none", "", "", "", 404},
	} {
		answer, err := ask(test.path, test.host)
		if err != nil || answer.StatusCode != test.status || test.header != "" && answer.Header.Get(test.header) != test.want {
			t.Errorf("%s for %q: %v, %v", test.path, test.host, answer, err)
		}
	}
	// It reads anew.
	put(t, filepath.Join(tree, "none"), "now")
	if answer, err := ask("none", ""); err != nil || answer.StatusCode != 200 {
		t.Errorf("%v, %v", answer, err)
	}
}
