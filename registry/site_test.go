package registry

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/internal/web"
)

// pagesOf are the contents of all pages and what goes with them, by their paths.
func pagesOf(t *testing.T, tree string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(tree, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(tree, file)
		switch filepath.Ext(name) {
		case ".html", ".js", ".atom", ".xml":
			found[filepath.ToSlash(name)] = string(get(t, file))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// expect has a text hold parts and lack others, which begin with "!".
func expect(t *testing.T, name, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if want, absent := strings.CutPrefix(part, "!"); strings.Contains(text, want) == absent {
			t.Errorf("%s: has %q: %t", name, want, !absent)
		}
	}
}

// TestPages follows the pages of a tree through its life.
func TestPages(t *testing.T) {
	key := newKey(t, "acme")
	opts := Options{Tree: filepath.Join(t.TempDir(), "tree"), Key: key}
	const page = "community/v1.1.0/a/index.html"
	add(t, opts, dist(t, key, "a", "v1.0.0"), dist(t, key, "b", "v1.0.0-rc.1"))
	pages := pagesOf(t, opts.Tree)
	expect(t, "list", pages["index.html"], `href="community/v1.1.0/a/index.html"`, "There are 2 integrations.", "pre-release", "signed")
	expect(t, "page", pages[page], "of v1.0.0", "offered", "location", "plakar pkg add a", "plakar pkg add ./a_v1.0.0_linux_amd64.ptar",
		"kpkg verify --key acme.pub", "plakar at STORE backup xa://LOCATION", key.Public().ID.String(), "linux/amd64", "!What changed",
		`<img class="icon" src="icon.svg"`, "ISC", "plakar v1.1.0 to v1.1.4", "Notes of v1.0.0")
	expect(t, "page of a pre-release", pages["community/v1.1.0/b/index.html"], "There are only pre-releases of it", "plakar pkg add b@v1.0.0-rc.1")
	if pages["sitemap.xml"] != "" {
		t.Error("there is a sitemap without an address")
	}

	// What did not change is not written again; what did is.
	before, err := os.Stat(filepath.Join(opts.Tree, page))
	if err != nil {
		t.Fatal(err)
	}
	opts.Base = "https://packages.example.org/acme/"
	add(t, opts, dist(t, key, "b", "v1.0.0"))
	after, err := os.Stat(filepath.Join(opts.Tree, page))
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the page of a was written again: %v", err)
	}
	opts.Base = ""
	add(t, opts, dist(t, key, "a", "v1.1.0"))
	pages = pagesOf(t, opts.Tree)
	expect(t, "page", pages[page], "of v1.1.0", "From v1.0.0 to v1.1.0.", "older", "!only pre-releases")
	expect(t, "sitemap", pages["sitemap.xml"], "<loc>https://packages.example.org/acme/community/v1.1.0/a/index.html</loc>",
		"<loc>https://packages.example.org/acme/</loc>")
	expect(t, "feed", pages["feed.atom"], "N v1.1.0", "N v1.0.0", "https://packages.example.org/acme/community/v1.1.0/b/index.html")
	for _, name := range []string{"feed.atom", "sitemap.xml"} {
		if err := xml.Unmarshal([]byte(pages[name]), new(any)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	sound(t, opts.Tree, key)

	if _, err := Withdraw(t.Context(), "a", "v1.1.0", "loses <files>", opts); err != nil {
		t.Fatal(err)
	}
	pages = pagesOf(t, opts.Tree)
	expect(t, "page", pages[page], "of v1.0.0", "loses &lt;files&gt;", "!From v1.0.0")
	expect(t, "feed", pages["feed.atom"], "!N v1.1.0")
	if _, err := Withdraw(t.Context(), "a", "v1.0.0", "too", opts); err != nil {
		t.Fatal(err)
	}
	pages = pagesOf(t, opts.Tree)
	expect(t, "page of none", pages[page], "v1.1.0 was withdrawn: loses &lt;files&gt;. No other version is offered.", "!plakar pkg add", "!Download")
	expect(t, "list", pages["index.html"], "!community/v1.1.0/a/", "There is 1 integration.")
	expect(t, "rows", pages["integrations.js"], `!["a",`, `["b",`)
	sound(t, opts.Tree, key)
}

// The same tree has the same pages, however it came to be, and pages of another program are made again.
func TestPagesAgain(t *testing.T) {
	key := newKey(t, "acme")
	opts := Options{Tree: filepath.Join(t.TempDir(), "tree"), Key: key}
	add(t, opts, dist(t, key, "a", "v1.0.0"), dist(t, key, "b", "v1.0.0"))
	want := pagesOf(t, opts.Tree)
	for name, data := range want {
		if strings.HasPrefix(name, "community/") {
			put(t, filepath.Join(opts.Tree, name), []byte("of another"))
		} else if name == "index/index.html" {
			put(t, filepath.Join(opts.Tree, name), []byte(strings.Replace(data, "generation="+web.Generation, "generation=0123456789abcdef", 1)))
		}
	}
	add(t, opts)
	got := pagesOf(t, opts.Tree)
	for name := range want {
		if want[name] != got[name] {
			t.Errorf("%s is another one", name)
		}
	}
	// A list that is damaged is made again, as one that is not there.
	for _, name := range []string{"index/integrations.js", "index/index.html"} {
		if err := os.Remove(filepath.Join(opts.Tree, name)); err != nil {
			t.Fatal(err)
		}
		add(t, opts)
		if got := pagesOf(t, opts.Tree); got[name] != want[name] {
			t.Errorf("%s is another one", name)
		}
	}
	sound(t, opts.Tree, key)
}

// A version may be withdrawn because its package is damaged.
func TestPageOfDamage(t *testing.T) {
	opts := Options{Tree: filepath.Join(t.TempDir(), "tree")}
	add(t, opts, dist(t, nil, "a", "v1.0.0"))
	expect(t, "page", pagesOf(t, opts.Tree)["community/v1.1.0/a/index.html"], "not signed", "!kpkg verify")
	file := filepath.Join(opts.Tree, "community/v1.1.0/a/a_v1.0.0_linux_amd64.ptar")
	if err := os.Truncate(file, 100); err != nil {
		t.Fatal(err)
	}
	if _, err := Withdraw(t.Context(), "a", "v1.0.0", "damaged", opts); err != nil {
		t.Fatal(err)
	}
	expect(t, "page", pagesOf(t, opts.Tree)["community/v1.1.0/a/index.html"], "was withdrawn: damaged", "Its packages cannot be read.")
}

// Pages of a list that was longer go, with what is beside them.
func TestShorterList(t *testing.T) {
	key := newKey(t, "acme")
	opts := Options{Tree: filepath.Join(t.TempDir(), "tree"), Key: key}
	add(t, opts, dist(t, key, "a", "v1.0.0"))
	for _, name := range []string{"list-2.html", "list-2.html.sum", "list-2.html.sum.sig", "sitemap.xml"} {
		if err := os.Symlink("index/"+name, filepath.Join(opts.Tree, name)); err != nil {
			t.Fatal(err)
		}
	}
	put(t, filepath.Join(opts.Tree, "list-of.html"), []byte("another's"))
	put(t, filepath.Join(opts.Tree, "list-3.html"), []byte("another's"))
	add(t, opts)
	for name, want := range map[string]bool{
		"list-2.html": false, "list-2.html.sum.sig": false, "sitemap.xml": false, "list-of.html": true, "list-3.html": true,
	} {
		if _, err := os.Lstat(filepath.Join(opts.Tree, name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A page that somebody has written is not replaced.
	own := Options{Tree: filepath.Join(t.TempDir(), "tree")}
	put(t, filepath.Join(own.Tree, "index.html"), []byte("mine"))
	if _, err := Add(t.Context(), nil, own); err == nil || !strings.Contains(err.Error(), "kpkg has not made it") {
		t.Error(err)
	}
	if got := get(t, filepath.Join(own.Tree, "index.html")); string(got) != "mine" {
		t.Errorf("%q", got)
	}
}

// Words of strangers that a shell would take for more are in no command.
func TestCommandsAreWords(t *testing.T) {
	for _, name := range []string{"$(touch x)", "a b", "-rf", "a;b", "a\nb", "`x`", "a'b", "", strings.Repeat("a", 100)} {
		if shellName.MatchString(name) || scheme.MatchString(name) {
			t.Errorf("%q is taken", name)
		}
		if publicKey.MatchString("verify with " + name + ".pub") {
			t.Errorf("the key %q is taken", name)
		}
	}
	if !publicKey.MatchString("verify with acme-2026.pub") {
		t.Error("a key is not taken")
	}
	if !bytes.Equal([]byte(day(time.Unix(0, 0))), []byte("1970-01-01")) {
		t.Error(day(time.Unix(0, 0)))
	}
}
