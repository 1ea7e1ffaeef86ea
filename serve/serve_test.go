package serve

import (
	"archive/zip"
	"bytes"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/PlakarKorp/kpkg/pack"
	"github.com/PlakarKorp/kpkg/ptarread"
)

const token = "secret"

// served packs files and serves them; the address ends in the token.
func served(t *testing.T, files map[string]string) (address string) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return servedFolder(t, dir)
}

func servedFolder(t *testing.T, dir string) string {
	t.Helper()
	var out bytes.Buffer
	if _, err := pack.Write(t.Context(), &out, pack.Options{Paths: []string{dir}}); err != nil {
		t.Fatal(err)
	}
	archive, err := ptarread.NewArchive(t.Context(), bytes.NewReader(out.Bytes()), int64(out.Len()), ptarread.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(New(Options{Archive: archive, Name: "a.ptar", Token: token, TempDir: t.TempDir()}))
	t.Cleanup(server.Close)
	return server.URL + "/" + token + "/"
}

// get asks for an address, and checks what every answer must say.
func get(t *testing.T, address string) (*http.Response, string) {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	if err != nil {
		t.Fatal(err)
	}
	h := response.Header
	if policy := h.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "script-src") {
		t.Errorf("%s: policy %q", address, policy)
	}
	if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%s: headers %v", address, h)
	}
	// As markup, not as the text that a name or a content is.
	if page := strings.ToLower(string(body)); strings.HasPrefix(h.Get("Content-Type"), "text/html") &&
		(strings.Contains(page, "<script") || strings.Contains(page, `="javascript:`) || strings.Contains(page, "<iframe")) {
		t.Errorf("%s holds a script", address)
	}
	return response, string(body)
}

// latest is the folder of the youngest snapshot in a view.
func in(address, view, below string) string {
	elements := strings.Split(below, "/")
	for i := range elements {
		elements[i] = url.PathEscape(elements[i])
	}
	return address + view + "/latest/" + strings.Join(elements, "/")
}

func database(t *testing.T, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

const script = `<script>document.title='owned'</script>`

// TestHostile shows what strangers may put into an archive: nothing is a script, all of it is shown in the end, and every file is saved, not
// shown, when its own address is opened.
func TestHostile(t *testing.T) {
	files := map[string]string{
		"a.html": script, "b.xhtml": script, "c.htm": script, "d.svg": `<svg xmlns="http://www.w3.org/2000/svg" onload="document.title='owned'"/>`,
		"e.xml": `<?xml-stylesheet href="javascript:alert(1)"?><a/>`, "f.js": "document.title='owned'", "g.css": "body{background:url(//evil)}",
		"h.txt": script, "i.json": `{"a":"` + `<\/script><script>` + `"}`, "j.json": strings.Repeat("[", 100000), "k.json": "{", "l.csv": "a,b\n=cmd(),\"" + script + "\"\n",
		"m.csv": strings.Repeat(",", 1<<20), "n.csv": "\"", "o.csv": strings.Repeat("a\n", 1<<20), "p.tsv": "a\tb\n1\t2\n", "q.pdf": "%PDF-1.4 /JS", "r.png": script,
		"s.gif": "GIF89a/*" + script + "*/=1;", "t.jpg": "", "u.eml": "Subject: " + script + "\nFrom: =?x?q?y?=\n\n" + script, "v.eml": "Content-Type: text/html\n\n" + script,
		"w.eml": "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html; name=\"../../x.html\"\nContent-Disposition: attachment; filename=\"../..\\\\<b>.html\"\n\n" + script + "\n--b--\n",
		"x.eml": "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\nContent-Type: multipart/mixed; boundary=b\n\n", 20000),
		"y.eml": "Content-Type: text/plain; charset=nonsense\nContent-Transfer-Encoding: base64\n\n%%%%", "z.eml": "no header", "text\xff\xfe": "\xff\xfe",
		script + ".txt": "a", "\"onmouseover=alert(1) x=\".txt": "a", "javascript:alert(1)": "a", "a'b\"c&d.html": script, "line\nbreak.html": script, "\r\nSet-Cookie: a=b.txt": "a",
		"%2e%2e%2fx": "a", "?q=1": "a", "#f": "a", "..;x": "a", "\u202egnp.exe": "a", strings.Repeat("n", 250): "a", "null.bin": "a\x00b", "utf16.txt": "\xff\xfe<\x00s\x00", "empty.svg": "",
		"manifest.webmanifest": "{}", "sw.js": "self.onfetch=1", "f.swf": "FWS", "deep/a/b/c.html": script,
		"sql.db": database(t, `CREATE TABLE "<script>alert(1)</script>" (a)`, `INSERT INTO "<script>alert(1)</script>" VALUES ('`+strings.ReplaceAll(script, "'", "''")+`')`,
			`CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT i FROM n`),
		"broken.db": "SQLite format 3\x00" + strings.Repeat("\xff", 5000),
	}
	if len(files) < 40 {
		t.Fatalf("%d contents", len(files))
	}
	address := served(t, files)
	_, listing := get(t, in(address, "tree", ""))
	_, all := get(t, address+"search/latest?q="+url.QueryEscape("."))
	for name, content := range files {
		response, page := get(t, in(address, "tree", name))
		if response.StatusCode != http.StatusOK || strings.Contains(page, script) || strings.Contains(page, "onmouseover=alert(1) x=\"") {
			t.Errorf("the page of %q: %s", name, response.Status)
		}
		response, body := get(t, in(address, "raw", name))
		kind := response.Header.Get("Content-Type")
		if body != content || !strings.HasPrefix(response.Header.Get("Content-Disposition"), "attachment") ||
			kind != "application/octet-stream" && !strings.HasPrefix(kind, "image/") || !strings.Contains(response.Header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%q itself: %s, %s, %v", name, response.Status, kind, response.Header)
		}
		if response.Header.Get("Set-Cookie") != "" {
			t.Errorf("%q sets a header", name)
		}
	}
	for _, page := range []string{listing, all} {
		if strings.Contains(page, script) || strings.Contains(page, "\"onmouseover") {
			t.Error("a name is markup")
		}
	}
}

// TestQueries: a query reads the database, and nothing else, for a while.
func TestQueries(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other.db")
	if err := os.WriteFile(other, []byte(database(t, "CREATE TABLE secret(a)", "INSERT INTO secret VALUES ('hunter22')")), 0o600); err != nil {
		t.Fatal(err)
	}
	written := filepath.Join(t.TempDir(), "written.db")
	address := served(t, map[string]string{"a.db": database(t, "CREATE TABLE t(a, b)", "INSERT INTO t VALUES (1, 'one'), (2, NULL)")})
	for query, want := range map[string]string{
		"":                              "CREATE TABLE t(a, b)",
		"SELECT a, b FROM t ORDER BY a": "<td>one</td>",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT i FROM n":        "the first 500 rows",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n": "takes more than",
		"SELECT zeroblob(900000000)":                            "too big",
		"INSERT INTO t VALUES (3, 3)":                           "only queries that read",
		"ATTACH '" + other + "' AS o":                           "only queries that read",
		"SELECT 1; ATTACH '" + other + "' AS o":                 "role=\"alert\"",
		"SELECT 1; VACUUM INTO '" + written + "'":               "role=\"alert\"",
		"WITH a AS (SELECT 1) INSERT INTO t SELECT 1, 2 FROM a": "role=\"alert\"",
		"SELECT load_extension('x')":                            "role=\"alert\"",
		"SELECT a FROM nowhere":                                 "no such table",
		"SELECT '<script>'":                                     "&lt;script&gt;",
	} {
		_, page := get(t, in(address, "tree", "a.db")+"?sql="+url.QueryEscape(query))
		if !strings.Contains(page, want) || strings.Contains(page, "hunter22") {
			t.Errorf("%s: no %q in\n%s", query, want, page[strings.Index(page, "<main"):])
		}
	}
	if _, err := os.Stat(written); err == nil {
		t.Error("a query has written a file")
	}
}

// TestRefused: whoever has no token, comes by a name of his own, or wants to write, gets nothing.
func TestRefused(t *testing.T) {
	address := served(t, map[string]string{"a.txt": "content-a"})
	base := strings.TrimSuffix(address, token+"/")
	for _, test := range []struct {
		method, url, host string
		status            int
	}{
		{"GET", address + "tree/latest/a.txt", "", 200},
		{"GET", address + "tree/latest/a.txt", "localhost:1", 200},
		{"GET", address + "tree/latest/a.txt", "[::1]:1", 200},
		{"GET", address + "tree/latest/a.txt", "evil.example", 421},
		{"GET", address + "tree/latest/a.txt", "127.0.0.1.evil.example:80", 421},
		{"GET", base, "", 404},
		{"GET", base + "tree/latest/a.txt", "", 404},
		{"GET", base + "other/tree/latest/a.txt", "", 404},
		{"GET", base + token + "x/", "", 404},
		{"GET", address + "tree/latest/nowhere", "", 404},
		{"GET", address + "tree/nowhere/a.txt", "", 404},
		{"GET", address + "raw/latest/../../etc/passwd", "", 404},
		{"GET", address + "raw/latest/%2e%2e/%2e%2e/etc/passwd", "", 404},
		{"POST", address + "tree/latest/a.txt", "", 405},
		{"DELETE", address + "dav/latest/a.txt", "", 405},
		{"PUT", address + "dav/latest/b.txt", "", 405},
		{"MKCOL", address + "dav/latest/b", "", 405},
		{"LOCK", address + "dav/latest/a.txt", "", 405},
		{"PROPFIND", address + "dav/", "", 403},
		{"PROPFIND", base + "dav/", "", 404},
	} {
		request, err := http.NewRequest(test.method, test.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = test.host
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != test.status || test.status != 200 && strings.Contains(string(body), "content-a") {
			t.Errorf("%s %s for %q: %s, want %d", test.method, test.url, test.host, response.Status, test.status)
		}
	}
}

// TestPages: folders in parts, zip, search, and a drive.
func TestPages(t *testing.T) {
	files := map[string]string{"sub/deep/x.txt": "deep", "sub/y": "y"}
	for i := range shownEntries + 5 {
		files[fmt.Sprintf("many/%04d", i)] = fmt.Sprint(i)
	}
	address := served(t, files)
	_, first := get(t, in(address, "tree", "many"))
	_, second := get(t, in(address, "tree", "many")+"?after=0499")
	if !strings.Contains(first, ">0499</a>") || strings.Contains(first, ">0500</a>") || !strings.Contains(first, "?after=0499") ||
		!strings.Contains(second, ">0504</a>") || strings.Contains(second, ">0499</a>") {
		t.Error("a folder in two parts")
	}
	if _, page := get(t, address+"search/latest?q=X.TX"); !strings.Contains(page, "sub/deep/x.txt") || strings.Contains(page, ">sub/y<") {
		t.Errorf("search: %s", page)
	}
	_, archived := get(t, in(address, "zip", "sub"))
	z, err := zip.NewReader(strings.NewReader(archived), int64(len(archived)))
	if err != nil {
		t.Fatal(err)
	}
	if data, err := z.Open("deep/x.txt"); err != nil {
		t.Error(err)
	} else if content, err := io.ReadAll(data); err != nil || string(content) != "deep" {
		t.Errorf("%q, %v", content, err)
	}
}

// TestDrive lists folders as WebDAV clients do, and reads a file.
func TestDrive(t *testing.T) {
	files := map[string]string{"sub/deep/x.txt": "deep", "sub/y": "y"}
	for i := range 300 {
		files[fmt.Sprintf("many/%04d", i)] = strings.Repeat("x", i)
	}
	address := served(t, files)
	ask := func(method, folder string) (http.Header, string) {
		t.Helper()
		request, err := http.NewRequest(method, address+"dav/"+folder, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Depth", "1")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode/100 != 2 {
			t.Fatalf("%s %s: %s, %v: %s", method, folder, response.Status, err, body)
		}
		return response.Header, string(body)
	}
	if _, list := ask("PROPFIND", "latest/sub/"); !strings.Contains(list, "/dav/latest/sub/deep/<") || !strings.Contains(list, "/dav/latest/sub/y<") {
		t.Errorf("the folder has %s", list)
	}
	_, many := ask("PROPFIND", "latest/many/")
	for i := range 300 {
		entry := fmt.Sprintf("/dav/latest/many/%04d<", i)
		_, told, found := strings.Cut(many, entry)
		told, _, _ = strings.Cut(told, "</D:response>")
		if size := fmt.Sprintf("<D:getcontentlength>%d<", i); !found || !strings.Contains(told, size) {
			t.Errorf("of %s it says %q, want %s", entry, told, size)
		}
	}
	// Clients show the time of each folder, and write nowhere where there are no locks.
	if _, all := ask("PROPFIND", ""); strings.Contains(all, " 0001 ") {
		t.Errorf("a folder is as old as the calendar: %s", all)
	}
	if header, _ := ask("OPTIONS", "latest/"); header.Get("DAV") != "1" || header.Get("Allow") != "OPTIONS, GET, HEAD, PROPFIND" {
		t.Errorf("OPTIONS: %v", header)
	}
	if _, body := get(t, address+"dav/latest/sub/y"); body != "y" {
		t.Errorf("the drive gives %q", body)
	}
}
