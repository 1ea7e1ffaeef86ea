package web

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/internal/raced"
)

// many are rows as full as they may be.
func many(count int) (rows []Row) {
	for i := range count {
		var protocols []string
		for n := range rowItems {
			protocols = append(protocols, fmt.Sprintf("protocol%d-%d", i, n))
		}
		rows = append(rows, Row{
			Name: fmt.Sprintf("i%04d", i), Title: strings.Repeat("Title ", 20), Description: strings.Repeat("What it does. ", 30), Version: "v1.0.0",
			Published: time.Unix(1_700_000_000+int64(i), 0).UTC(), Signed: i%2 == 0, Prerelease: i%3 == 0, Icon: "icon.svg", License: "ISC",
			Types: []string{"storage", "importer", "exporter"}, Classes: []string{"saas"}, Protocols: protocols, Platforms: []string{"linux/amd64"},
			Tags: []string{"a tag", "a tag"}, Recent: []Recent{{"v1.0.0", time.Unix(1_700_000_000+int64(i), 0).UTC()}},
		}.Cut())
	}
	return rows
}

// TestListSize holds the pages of a list to what they may take at first, whatever strangers write.
func TestListSize(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	files, err := Site{Rows: many(5000), Of: strings.Repeat("0", 64)}.Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if strings.HasSuffix(name, ".html") && len(data) > 300<<10 {
			t.Errorf("%s has %d bytes", name, len(data))
		}
	}
	stamp, err := ReadStamp(files[ListName])
	if err != nil || stamp.Pages != 25 || stamp.Generation != Generation || len(files[NextListName(25)]) == 0 {
		t.Errorf("%+v, %v", stamp, err)
	}
	if entries := strings.Count(string(files[FeedName]), "<entry>"); entries != fed || !strings.Contains(string(files[FeedName]), "i4999") {
		t.Errorf("the feed has %d entries", entries)
	}
	t.Logf("first page: %d KiB, %s: %d KiB", len(files[ListName])>>10, DataName, len(files[DataName])>>10)
}

// What is written of rows is read again, and nothing else is.
func TestRows(t *testing.T) {
	rows := append(many(3), Row{Name: "x", Title: "</script>\u2028'\"\\", Description: "a\nb\tc\x00\u202e"}.Cut())
	data, err := Site{Rows: rows}.data()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "</script>") || strings.Contains(string(data), "\u2028") {
		t.Errorf("%s", data)
	}
	got, err := ReadRows(data)
	if err != nil || !reflect.DeepEqual(got, rows) {
		t.Errorf("%v: %+v; want %+v", err, got, rows)
	}
	if none, err := ReadRows([]byte(dataHead + dataTail)); err != nil || len(none) != 0 {
		t.Errorf("%v, %v", none, err)
	}
	for _, wrong := range []string{"", "x", dataHead, dataHead + "[],\n" + dataTail, dataHead + `["a"]` + dataTail, string(data) + "alert(1)", dataHead + "{},\n" + dataTail} {
		if rows, err := ReadRows([]byte(wrong)); err == nil {
			t.Errorf("%q is read as %v", wrong, rows)
		}
	}
}

func TestText(t *testing.T) {
	for _, test := range []struct {
		text string
		most int
		want string
	}{
		{"  a \n b\tc ", 10, "a b c"},
		{"abcdef", 4, "abc…"},
		{"日本語日本語", 4, "日本語…"},
		{strings.Repeat("é", 100), 5, "éééé…"},
		{"a\x1b[0m", 20, `a\x1b[0m`},
		{"\u202eabc", 20, `\u202eabc`},
	} {
		if got := Text(test.text, test.most); got != test.want {
			t.Errorf("%q is shown as %q, not as %q", test.text, got, test.want)
		}
	}
}

func TestBaseURL(t *testing.T) {
	for address, want := range map[string]string{
		"https://packages.example.org/acme": "https://packages.example.org/acme/", "https://example.org/": "https://example.org/",
		"https://example.org": "https://example.org/", "example.org": "", "ftp://example.org": "", "https://u:p@example.org": "",
		"https://example.org/?x": "", "https://": "", "https://example.org/\"><script>": "https://example.org/%22%3E%3Cscript%3E/",
	} {
		if got, err := BaseURL(address); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v; want %q", address, got, err, want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	for source, want := range map[string]string{
		"# A\n\n[b](#a)":                  `<h3 id="readme-a">A</h3>` + "\n" + `<p><a href="#readme-a" rel="nofollow noreferrer">b</a></p>` + "\n",
		"# A\n# A":                        `<h3 id="readme-a">A</h3>` + "\n" + `<h3 id="readme-a-1">A</h3>` + "\n",
		"[b](docs/b.md)":                  "<p>b</p>\n",
		"![b](https://example.org/b.png)": `<p><a href="https://example.org/b.png" rel="nofollow noreferrer">b</a></p>` + "\n",
		"[![b](b.png)](https://c.org)":    `<p><a href="https://c.org" rel="nofollow noreferrer">b</a></p>` + "\n",
		"![](https://example.org/b.png)":  `<p><a href="https://example.org/b.png" rel="nofollow noreferrer">image</a></p>` + "\n",
		"<b>x":                            "<p><b>x</b></p><b>\n</b>",
		"<script>x</script>":              "",
		"[x](javascript:alert(1))":        "<p>x</p>\n",
		"a\xffb":                          "<p>a\uFFFDb</p>\n",
	} {
		if got, cut := Markdown([]byte(source)); strings.TrimSpace(string(got)) != strings.TrimSpace(want) || cut {
			t.Errorf("%q is %q, not %q", source, got, want)
		}
	}
	long := strings.Repeat("A line of it.\n\n", 20_000)
	if shown, cut := Markdown([]byte(long)); !cut || len(shown) > 2*maxMarkdown {
		t.Errorf("%d bytes are shown, cut: %t", len(shown), cut)
	}
}
