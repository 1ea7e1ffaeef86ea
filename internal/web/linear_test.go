package web

import (
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/internal/growth"
	"github.com/PlakarKorp/kpkg/internal/raced"
)

// fill repeats something until all of it has a length.
func fill(size int, before, repeated, after string) string {
	return before + strings.Repeat(repeated, max(0, size-len(before)-len(after))/len(repeated)) + after
}

func contentOf(name, text string) Content {
	return Content{Name: name, SectionReader: io.NewSectionReader(strings.NewReader(text), 0, int64(len(text)))}
}

const multipartHeader = "Content-Type: multipart/mixed; boundary=b\r\n\r\n"

// previews are contents whose parts repeat.
var previews = map[string]struct{ name, before, repeated, after string }{
	"a row of cells":                {"x.csv", "", ",", ""},
	"short rows":                    {"x.csv", "", "a\n", ""},
	"quotes":                        {"x.csv", "", `"`, ""},
	"a quote and lines":             {"x.csv", `a,"`, "\n", ""},
	"quoted quotes":                 {"x.csv", `"`, `""`, "\n"},
	"numbers at depth":              {"x.json", strings.Repeat("[", maxDepth), "1,", "1" + strings.Repeat("]", maxDepth)},
	"nesting":                       {"x.json", "", "[", ""},
	"objects":                       {"x.json", "[", `{"a":{}},`, "0]"},
	"a string":                      {"x.json", `"`, `\u0000`, `"`},
	"headers":                       {"x.eml", "", "A:\r\n", "\r\n"},
	"folded header":                 {"x.eml", "Subject: a\r\n", " b\r\n", "\r\n"},
	"encoded words":                 {"x.eml", "Subject: ", "=?x?q?", "?=\r\n\r\n"},
	"encoded words, bad at the end": {"x.eml", "Subject: ", "=?utf-8?q?", "\x01?=\r\n\r\n"},
	"encoded words, good ones":      {"x.eml", "Subject: ", "=?utf-8?q?a?= ", "\r\n\r\n"},
	"encoded words of a name":       {"x.eml", multipartHeader + "--b\r\nContent-Disposition: attachment; filename=\"", "=?x?q?", "?=\"\r\n\r\n\r\n--b--"},
	"addresses":                     {"x.eml", "From: ", "<a@b>,", "\r\n\r\n"},
	"comments of addresses":         {"x.eml", "From: ", "(", "\r\n\r\n"},
	"parameters":                    {"x.eml", "Content-Type: text/plain", ";a*0=b", "\r\n\r\n"},
	"parts":                         {"x.eml", multipartHeader, "--b\r\n\r\n", "--b--"},
	"beginnings of parts":           {"x.eml", multipartHeader + "--b\r\n\r\n", "\r\n--", ""},
	"a part's headers":              {"x.eml", multipartHeader + "--b\r\n", "A: b\r\n", "\r\n\r\n--b--"},
	"a long boundary":               {"x.eml", "Content-Type: multipart/mixed; boundary=" + strings.Repeat("b", 1<<17) + "\r\n\r\n", "--" + strings.Repeat("b", 1<<10) + "\r\n", ""},
	"quoted-printable":              {"x.eml", "Content-Transfer-Encoding: quoted-printable\r\n\r\n", "=\r\n", ""},
	"spaces, quoted-printable":      {"x.eml", "Content-Transfer-Encoding: quoted-printable\r\n\r\n", " ", ""},
	"base64 with line breaks":       {"x.eml", "Content-Transfer-Encoding: base64\r\n\r\n", "\n", ""},
	"another encoding":              {"x.eml", "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n", "\x1b$B", ""},
	"a text of controls":            {"x.html", "", "\x1b[2J", ""},
	"nested elements":               {"x.html", "", "<a>", ""},
	"half a character":              {"x.txt", "", "\xc3", ""},
	"a magic that is all":           {"x.db", databaseMagic, "\x00", ""},
}

// TestPreviewsAreLinear shows each in two sizes, up to what is shown of a text and beyond.
func TestPreviewsAreLinear(t *testing.T) {
	for name, p := range previews {
		t.Run(name, func(t *testing.T) {
			for _, most := range []int{maxText, 1 << 20} {
				growth.Linear(t, most, func(size int) {
					c := contentOf(p.name, fill(size, p.before, p.repeated, p.after))
					c.TempDir = t.TempDir()
					if v := Show(t.Context(), c); len(v.Text) > 8*maxText {
						t.Errorf("%d bytes are shown", len(v.Text))
					}
				})
			}
		})
	}
}

// TestMarkdownIsLinear renders what takes parsers long, as much of it as there may be.
func TestMarkdownIsLinear(t *testing.T) {
	var steps strings.Builder
	for i := range 80 {
		steps.WriteString(strings.Repeat("  ", i) + "- x\n")
	}
	for name, shape := range map[string]struct{ before, repeated string }{
		"quotes": {"", ">"}, "lists": {"", "- "}, "brackets": {"", "["}, "links": {"", "[a]("}, "emphasis": {"", "*a_ "}, "ticks": {"", "`a``"},
		"tags": {"", "<b>"}, "tables": {"|a|\n|-|\n", "|"}, "entities": {"", "&"}, "references": {"", "[a]: b\n"}, "images": {"", "!["},
		"indented": {"", strings.Repeat("  ", 100) + "- x\n"}, "steps": {"", steps.String()},
	} {
		t.Run(name, func(t *testing.T) {
			growth.Linear(t, maxMarkdown, func(size int) {
				if shown, _ := Markdown([]byte(fill(size, shape.before, shape.repeated, ""))); len(shown) == 0 && name != "references" {
					t.Error("nothing is shown")
				}
			})
		})
	}
}

// TestPreviewsAreSmall shows the largest that there may be of each, and looks at the memory that is in use at the end of it, and at all
// that was.
func TestPreviewsAreSmall(t *testing.T) {
	raced.Skip(t, "it measures memory")
	for name, p := range previews {
		if !strings.HasSuffix(p.name, ".eml") && !strings.HasSuffix(p.name, ".csv") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			c := contentOf(p.name, fill(maxMail, p.before, p.repeated, p.after))
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			Show(t.Context(), c)
			runtime.ReadMemStats(&after)
			if made := (after.TotalAlloc - before.TotalAlloc) >> 20; made > 350 {
				t.Errorf("showing it allocates %d MiB", made)
			}
		})
	}
}

// TestHostileDatabases asks databases whose views have no end, or rows that are as large as can be.
func TestHostileDatabases(t *testing.T) {
	raced.Skip(t, "a query may take a few seconds only")
	name := filepath.Join(t.TempDir(), "x.db")
	db, err := sql.Open("sqlite", name)
	if err != nil {
		t.Fatal(err)
	}
	wide := "SELECT " + strings.TrimSuffix(strings.Repeat("hex(zeroblob(99999)),", 300), ",")
	for _, statement := range []string{
		"CREATE TABLE t (a)", "INSERT INTO t VALUES (1)",
		"CREATE VIEW endless AS WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c) SELECT x FROM c",
		"CREATE VIEW large AS SELECT " + strings.TrimSuffix(strings.Repeat("hex(zeroblob(140000)),", maxCols), ","),
		"CREATE VIEW wide AS " + wide,
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for view, want := range map[string]string{
		"t": "", "endless": "", "large": "too big", "wide": "name at most 100 of them", "(SELECT max(" + strings.Repeat("1,", 200) + "1))": "too many arguments",
	} {
		c := contentOf("x.db", string(data))
		c.SQL, c.TempDir = "SELECT * FROM "+view, t.TempDir()
		v := Show(t.Context(), c)
		if want == "" && (v.Error != "" || len(v.Tables[0].Rows) == 0) || !strings.Contains(v.Error, want) {
			t.Errorf("%s: %q and not %q, %d tables", view, v.Error, want, len(v.Tables))
		}
	}
}
