package interop

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	_ "modernc.org/sqlite"
)

var screens = flag.String("screens", "", "keep pictures of the pages of kpkg serve in this folder, to be looked at")

// startServing runs kpkg serve until the test ends, and returns the address that it prints.
func startServing(t *testing.T, file string) string {
	t.Helper()
	cmd := exec.Command(tools.Kpkg, "serve", file)
	cmd.Env = append(os.Environ(), "PLAKAR_PASSPHRASE="+secretWords)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(cmd.Process.Signal(os.Interrupt), cmd.Wait()); err != nil {
			t.Errorf("kpkg serve: %v\n%s", err, said.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("kpkg serve printed %q: %v", line, err)
	}
	return strings.TrimSpace(line)
}

// startBrowser starts a browser without a window. downloads is the folder where it saves what it downloads.
func startBrowser(t *testing.T) (ctx context.Context, downloads string) {
	t.Helper()
	downloads = t.TempDir()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("end the browser: %v", err)
		}
		cancel()
	})
	err := chromedp.Run(ctx, browser.SetDownloadBehavior(browser.SetDownloadBehaviorBehaviorAllowAndName).
		WithDownloadPath(downloads).WithEventsEnabled(true))
	if err != nil { // the browser lives as long as the context that first uses it
		t.Fatalf("start chromium: %v", err)
	}
	return ctx, downloads
}

// browse does things in the browser, all of which must succeed.
func browse(t *testing.T, ctx context.Context, what string, actions ...chromedp.Action) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// ask has the browser say what an expression is.
func ask[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var answer T
	if err := chromedp.Run(ctx, chromedp.Evaluate(expression, &answer)); err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return answer
}

// until waits until an expression is true, of this page or the next one.
func until(expression string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		for {
			var is bool
			err := chromedp.Evaluate(expression, &is).Do(ctx) // an error: the page is on its way
			if err == nil && is {
				return nil
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("it never comes that %s: %w", expression, errors.Join(err, ctx.Err()))
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
}

// screen is how wide the screen is, and whether it is light or dark.
func screen(width int64, scheme string) chromedp.Action {
	return chromedp.Tasks{
		emulation.SetDeviceMetricsOverride(width, 844, 1, width < 500),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
	}
}

// text is what a page says.
func text(t *testing.T, ctx context.Context, address string) string {
	t.Helper()
	browse(t, ctx, address, chromedp.Navigate(address))
	return ask[string](t, ctx, "document.body.innerText")
}

// writeFiles writes files into a new folder.
func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// database is the file of a database after some statements.
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
	data, err := os.ReadFile(path)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// picture is an image of a few colours.
func picture(t *testing.T) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 640, 400))
	for y := range 400 {
		for x := range 640 {
			img.Set(x, y, color.RGBA{uint8(x / 3), uint8(y / 2), 160, uint8(55 + y/2)})
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

const letter = "From: =?utf-8?q?Zo=C3=AB?= <zoe@example.org>\r\nTo: me@example.org\r\nDate: Sat, 29 Feb 2020 12:00:00 +0000\r\n" +
	"Subject: The figures of =?iso-8859-1?q?f=E9vrier?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThey are attached.\r\n\r\nZo\u00eb\r\n" +
	"--b\r\nContent-Type: text/csv; name=figures.csv\r\nContent-Disposition: attachment; filename=figures.csv\r\n\r\na,b\r\n1,2\r\n--b--\r\n"

// pleasant is what people have in archives.
func pleasant(t *testing.T) map[string]string {
	var table strings.Builder
	table.WriteString("day,place,what was counted there,number,remark\n")
	for i := range 40 {
		fmt.Fprintf(&table, "2020-02-%02d,station %d,\"birds, of all kinds\",%d,%s\n", i%28+1, i, i*i*37, strings.Repeat("seen at dawn ", i%4))
	}
	files := map[string]string{
		"readme.txt":    "This is a text.\n\n" + strings.Repeat("A line of it that is longer than a telephone is wide, so that it has to go somewhere.\n", 12),
		"table.csv":     table.String(),
		"settings.json": `{"name":"example","ports":[80,443],"nested":{"deep":{"deeper":true}},"text":"` + strings.Repeat("long ", 40) + `"}`,
		"letter.eml":    letter,
		"picture.png":   picture(t),
		"drawing.svg":   `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 120"><rect width="200" height="120" fill="teal"/><circle cx="100" cy="60" r="40" fill="gold"/></svg>`,
		"data.db": database(t, "CREATE TABLE birds(id INTEGER PRIMARY KEY, name TEXT NOT NULL, seen INTEGER, remark TEXT)",
			"INSERT INTO birds VALUES (1, 'robin', 12, 'in the garden'), (2, 'heron', 3, NULL), (3, 'wren', 41, 'everywhere')", "CREATE VIEW common AS SELECT name FROM birds WHERE seen > 10"),
		"binary.bin":                       "\x00\x01\x02",
		"folder/needle.txt":                "found\n",
		"folder/deeper/still deeper/a.txt": "a\n",
		"a name that is rather long, as people's names of files are, with spaces and (brackets).txt": "long\n",
		"unbroken_" + strings.Repeat("name", 40) + ".txt":                                            "unbroken\n",
	}
	for i := range 30 {
		files[fmt.Sprintf("many/file %02d.txt", i)] = strings.Repeat("x", i*i*100)
	}
	return files
}

// TestServe looks at an archive of two snapshots as people do, with a mouse and by keyboard alone.
func TestServe(t *testing.T) {
	t.Parallel()
	files := pleasant(t)
	before := writeFiles(t, files)
	files["readme.txt"] += "And another line.\n"
	files["new.txt"] = "new\n"
	delete(files, "binary.bin")
	after := writeFiles(t, files)
	archive := filepath.Join(t.TempDir(), "archive.ptar")
	must(t, newClient(t), "ptar", "-plaintext", "-o", archive, before, after)
	address := startServing(t, archive)
	ctx, downloads := startBrowser(t)
	ids := snapshotsOf(t, archive)
	older, newer := ids[before][:16], ids[after][:16]
	tree := address + "tree/" + newer + "/"

	for place, wants := range map[string][]string{
		address:                {before, after, "What changed since"},
		tree:                   {"readme.txt", "folder/", "Download as zip"},
		tree + "folder/deeper": {"still deeper/"},
		tree + "readme.txt":    {"And another line."},
		tree + "table.csv":     {"birds, of all kinds", "what was counted there"},
		tree + "settings.json": {"\"deeper\": true"},
		tree + "letter.eml":    {"Zoë <zoe@example.org>", "The figures of février", "They are attached.", "figures.csv"},
		tree + "data.db":       {"CREATE TABLE birds"},
		tree + "data.db?sql=SELECT+name+FROM+common":        {"robin", "wren"},
		address + "search/" + newer + "?q=NEEDLE":           {"folder/needle.txt"},
		address + "search/" + newer + "?q=nothing+has+this": {"Nothing has such a name"},
		address + "diff/" + older + "/" + newer:             {"added", "new.txt", "removed", "binary.bin", "readme.txt"},
		tree + "nowhere":                                    {"nowhere: it is not in the archive", "Search"},
	} {
		said := text(t, ctx, place)
		for _, want := range wants {
			if !strings.Contains(said, want) {
				t.Errorf("%s does not say %q:\n%s", place, want, said)
			}
		}
	}
	for _, name := range []string{"picture.png", "drawing.svg"} {
		browse(t, ctx, name, chromedp.Navigate(tree+name),
			until("document.querySelector('img').naturalWidth > 0"))
	}
	t.Run("downloads", func(t *testing.T) { wantDownloads(t, ctx, tree, downloads, files) })
	t.Run("keyboard", func(t *testing.T) { wantKeyboard(t, ctx, tree) })
	t.Run("room", func(t *testing.T) {
		wantRoom(t, ctx, map[string]string{
			"snapshots": address, "tree": tree, "text": tree + "readme.txt", "image": tree + "picture.png", "csv": tree + "table.csv",
			"json": tree + "settings.json", "mail": tree + "letter.eml", "database": tree + "data.db", "unbroken": tree + "unbroken_" + strings.Repeat("name", 40) + ".txt",
			"query": tree + "data.db?sql=" + url.QueryEscape("SELECT * FROM birds"), "wrong query": tree + "data.db?sql=" + url.QueryEscape("SELECT nothing"),
			"comparison": address + "diff/" + older + "/" + newer, "search": address + "search/" + newer + "?q=e", "nothing found": address + "search/" + newer + "?q=xyz",
			"error": tree + "nowhere", "no preview": address + "tree/" + older + "/binary.bin",
		})
	})
	t.Run("drive", func(t *testing.T) { wantDrive(t, address, newer, files) })
}

// wantDownloads saves a file, an attachment and a folder.
func wantDownloads(t *testing.T, ctx context.Context, tree, downloads string, files map[string]string) {
	save := func(place, link string) string {
		t.Helper()
		listening, stop := context.WithTimeout(ctx, patience)
		defer stop()
		saved := make(chan string, 1)
		chromedp.ListenTarget(listening, func(event any) {
			if e, is := event.(*browser.EventDownloadProgress); is && e.State == browser.DownloadProgressStateCompleted {
				saved <- filepath.Join(downloads, e.GUID)
			}
		})
		browse(t, ctx, place, chromedp.Navigate(place), chromedp.Click(link, chromedp.ByQuery))
		select {
		case file := <-saved:
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			return string(data)
		case <-listening.Done():
			t.Fatalf("nothing was saved of %s", place)
			return ""
		}
	}
	if got := save(tree+"readme.txt", ".actions a"); got != files["readme.txt"] {
		t.Errorf("a file was saved as %q", got)
	}
	if got := save(tree+"letter.eml", "li a[href*='part=']"); got != "a,b\r\n1,2" {
		t.Errorf("an attachment was saved as %q", got)
	}
	archived := save(tree+"folder", ".actions a")
	r, err := zip.NewReader(strings.NewReader(archived), int64(len(archived)))
	if err != nil {
		t.Fatal(err)
	}
	file, err := r.Open("deeper/still deeper/a.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if data, err := io.ReadAll(file); err != nil || string(data) != "a\n" {
		t.Errorf("%q, %v", data, err)
	}
}

// wantKeyboard goes through pages with Tab, and to others with Enter. What has the focus is to be seen.
func wantKeyboard(t *testing.T, ctx context.Context, tree string) {
	focused := func() (what string) {
		t.Helper()
		browse(t, ctx, "Tab", chromedp.KeyEvent(kb.Tab))
		seen := ask[struct {
			What, Outline string
			Inside        bool
		}](t, ctx, `(() => {
			const e = document.activeElement, style = getComputedStyle(e), at = e.getBoundingClientRect()
			return {What: (e.innerText || e.id || e.tagName).trim(), Outline: style.outlineStyle + " " + style.outlineWidth,
				Inside: at.right > 0 && at.left < innerWidth && at.bottom > 0 && at.top < innerHeight}
		})()`)
		if seen.Outline != "solid 3px" || !seen.Inside {
			t.Errorf("the focus on %q is not to be seen: %+v", seen.What, seen)
		}
		return seen.What
	}
	browse(t, ctx, "the folder", screen(1280, "light"), chromedp.Navigate(tree+"folder"))
	var order []string
	for range 8 {
		order = append(order, focused())
	}
	want := []string{"To the content", "archive.ptar", "top", "q", "Search", "Download as zip", "deeper/", "needle.txt"}
	for i := range want {
		if !strings.HasSuffix(order[i], want[i]) {
			t.Fatalf("Tab goes to %q, not %q", order, want)
		}
	}
	browse(t, ctx, "needle.txt by Enter", chromedp.KeyEvent(kb.Enter), until("document.title == 'needle.txt'"))
	// Over what is on top of all pages, then to the search.
	focused()
	browse(t, ctx, "the content", chromedp.KeyEvent(kb.Enter))
	if got := focused(); got != "Download" {
		t.Errorf("after what is on top of the page comes %q", got)
	}
	browse(t, ctx, "the folder", chromedp.Navigate(tree))
	for focused() != "q" {
	}
	browse(t, ctx, "search", chromedp.KeyEvent("needle"), chromedp.KeyEvent(kb.Enter),
		until("document.title.includes('Names with')"))
	for i := 0; focused() != "folder/needle.txt"; i++ {
		if i == 20 {
			t.Fatal("what was found is not to be reached")
		}
	}
	// A query is typed and asked.
	browse(t, ctx, "the database", chromedp.Navigate(tree+"data.db"))
	for focused() != "sql" {
	}
	browse(t, ctx, "ask", chromedp.KeyEvent("SELECT count(*) AS birds FROM birds"))
	if got := focused(); got != "Ask" {
		t.Errorf("after the query comes %q", got)
	}
	browse(t, ctx, "ask", chromedp.KeyEvent(kb.Enter), until("document.querySelector('tbody td')?.innerText === '3'"))
}

// wantRoom holds pages to the widths of a telephone and of a desk, in light and dark: nothing goes over the edge, and what is
// written can be told from what it is written on.
func wantRoom(t *testing.T, ctx context.Context, pages map[string]string) {
	for name, place := range pages {
		for _, width := range []int64{390, 1280} {
			for _, scheme := range []string{"light", "dark"} {
				browse(t, ctx, name, screen(width, scheme), chromedp.Navigate(place))
				if wide := ask[int64](t, ctx, "document.documentElement.scrollWidth"); wide > width {
					t.Errorf("%s is %d pixels wide on a screen of %d", name, wide, width)
				}
				if *screens == "" {
					break // the layout is the same in the dark
				}
				var shown []byte
				err := chromedp.Run(ctx, chromedp.FullScreenshot(&shown, 100))
				if err := errors.Join(err, os.WriteFile(filepath.Join(*screens, fmt.Sprintf("%s %d %s.png", name, width, scheme)), shown, 0o644)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// wantDrive opens the archive with a WebDAV client.
func wantDrive(t *testing.T, address, id string, files map[string]string) {
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "cadaver", address+"dav/")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "TERM=dumb")
	cmd.Stdin = strings.NewReader("ls\ncd " + id + "\nls\nget readme.txt\nget \"folder/needle.txt\"\ncd folder/deeper\nls\nput readme.txt\ndelete needle.txt\nquit\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("cadaver: %v\n%s", err, out)
	}
	for _, want := range []string{id, "table.csv", "still deeper"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("cadaver shows no %s:\n%s", want, out)
		}
	}
	for file, name := range map[string]string{"readme.txt": "readme.txt", "needle.txt": "folder/needle.txt"} {
		if got, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(got) != files[name] {
			t.Errorf("%s by cadaver: %q, %v\n%s", name, got, err, out)
		}
	}
	if bytes.Count(out, []byte("succeeded")) < 2 || !bytes.Contains(out, []byte("405")) {
		t.Errorf("cadaver: %s", out)
	}
}

// hostile is what strangers may put into archives so that it runs, or calls, in the browser of whoever looks.
func hostile(t *testing.T, call string) map[string]string {
	script := `<script>fetch("` + call + `");document.title="owned"</script>`
	tag := `<img src="` + call + `" onerror="document.title='owned'">`
	svg := func(inside string) string {
		return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="99" height="99" onload="fetch('` + call + `')">` + inside + `</svg>`
	}
	page := "<!doctype html><html><head><base href=\"" + call + "\"><meta http-equiv=refresh content=\"0;url=" + call + "\"></head><body>" + script + tag + "</body></html>"
	mail := func(kind, body string) string {
		return "From: a@example.org\r\nSubject: " + script + "\r\nMIME-Version: 1.0\r\nContent-Type: " + kind + "\r\n\r\n" + body
	}
	files := map[string]string{
		"a.html": page, "b.htm": page, "c.xhtml": `<html xmlns="http://www.w3.org/1999/xhtml">` + script + `</html>`, "d.xml": `<?xml-stylesheet type="text/xsl" href="` + call + `"?><a/>`,
		"e.svg": svg(`<script>fetch("` + call + `")</script>`), "f.svg": svg(`<foreignObject width="9" height="9"><iframe xmlns="http://www.w3.org/1999/xhtml" src="` + call + `"/></foreignObject>`),
		"g.svg": svg(`<image xlink:href="` + call + `" width="9" height="9"/><use href="` + call + `#a"/>`), "h.svg": `<!DOCTYPE svg [<!ENTITY x SYSTEM "` + call + `">]>` + svg(`&x;`),
		"i.svg": svg(`<style>@import url(` + call + `);*{background:url(` + call + `)}</style>`), "j.svg": `<?xml-stylesheet href="` + call + `"?>` + svg(""),
		"k.js": `fetch("` + call + `")`, "l.mjs": `import "` + call + `"`, "m.css": `@import url(` + call + `);`, "n.png": page, "o.gif": "GIF89a/*" + script + "*/=1;", "p.jpg": page, "q.webp": svg(script),
		"r.txt": page, "s.csv": "a,b\n=HYPERLINK(\"" + call + "\"),\"" + strings.ReplaceAll(tag, `"`, `""`) + "\"\n", "t.csv": script + "," + tag + "\n" + script + "," + tag + "\n",
		"u.json": `{"` + strings.ReplaceAll(script, `"`, `\"`) + `":"` + strings.ReplaceAll(tag, `"`, `\"`) + `"}`, "v.json": "[" + script + "]",
		"w.eml": mail("text/html", page), "x.eml": mail("text/plain", page), "y.eml": mail("multipart/mixed; boundary=b", "--b\r\nContent-Type: text/html; name=\""+tag+".html\"\r\n\r\n"+page+"\r\n--b--\r\n"),
		"z.eml":  mail("message/external-body; access-type=URL; URL=\""+call+"\"", script),
		"aa.pdf": "%PDF-1.4\n1 0 obj<</OpenAction<</S/URI/URI(" + call + ")>>>>endobj\n", "ab.swf": "FWS", "ac.mhtml": mail("multipart/related; boundary=b", "--b\r\nContent-Type: text/html\r\n\r\n"+page+"\r\n--b--\r\n"),
		"ad.webmanifest": `{"start_url":"` + call + `"}`, "sw.js": `self.addEventListener("install",()=>fetch("` + call + `"))`, "ae.url": "[InternetShortcut]\nURL=" + call + "\n", "af": page,
		"utf7.txt": "+ADw-script+AD4-fetch('" + call + "')+ADw-/script+AD4-", "utf16.html": "\xff\xfe<\x00s\x00c\x00r\x00i\x00p\x00t\x00>\x00",
		"name " + strings.ReplaceAll(tag, "/", "") + ".txt": "a", "\" onmouseover=\"document.title='owned'\" autofocus onfocus=\"document.title='owned'\" x=\".txt": "a",
		"javascript:document.title='owned'": "a", "'-document.title='owned'-'.txt": "a", "{{.Title}}<svg onload=document.title='owned'>": "a", "\u202egnp.html": page, "line\nbreak.html": page,
		"table.db": database(t, `CREATE TABLE "`+strings.ReplaceAll(script, `"`, `""`)+`" (a)`, `CREATE TABLE t (b)`, `INSERT INTO t VALUES ('`+strings.ReplaceAll(tag, "'", "''")+`')`),
	}
	if len(files) < 40 {
		t.Fatalf("%d contents", len(files))
	}
	return files
}

// TestServeHostile opens what strangers have packed, each as a page and at its own address: nothing of it runs, and nothing is
// called.
func TestServeHostile(t *testing.T) {
	var calls atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/called", func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.Header().Set("Access-Control-Allow-Origin", "*")
	})
	canary := httptest.NewServer(mux)
	defer canary.Close()
	files := hostile(t, canary.URL+"/called")
	mux.HandleFunc("/plain", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, files["a.html"]) })
	archive := filepath.Join(t.TempDir(), "hostile.ptar")
	mustKpkg(t, "pack", writeFiles(t, files), "-o", archive)
	address := startServing(t, archive)
	t.Run("without kpkg", func(t *testing.T) { // where nothing keeps it from running, it does, and its browser is no good afterwards
		ctx, _ := startBrowser(t)
		browse(t, ctx, "without kpkg", chromedp.Navigate(canary.URL+"/plain"))
		for deadline := time.Now().Add(patience); calls.Load() == 0; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the contents do nothing anywhere")
			}
		}
	})
	canary.CloseClientConnections()
	calls.Store(0)
	ctx, _ := startBrowser(t)
	var dialogs atomic.Int64
	chromedp.ListenTarget(ctx, func(event any) {
		if _, opened := event.(*page.EventJavascriptDialogOpening); opened {
			dialogs.Add(1)
		}
	})

	look := func(place, title string) {
		t.Helper()
		browse(t, ctx, place, chromedp.Navigate(place))
		seen := ask[struct {
			Title          string
			Scripts, Frame int
		}](t, ctx, `({Title: document.title, Scripts: document.scripts.length,
			Frame: document.querySelectorAll("iframe,object,embed,base,meta[http-equiv]").length})`)
		if strings.Join(strings.Fields(seen.Title), " ") != strings.Join(strings.Fields(title), " ") || seen.Scripts != 0 || seen.Frame != 0 {
			t.Errorf("%s: %+v, want the title %q", place, seen, title)
		}
	}
	tree := address + "tree/latest/"
	look(tree, mustRoot(t, archive))
	look(address+"search/latest?q=.", "Names with “.”")
	marked := `<script>document.title="owned"</script>`
	look(address+"search/latest?q="+url.QueryEscape(marked), "Names with “"+marked+"”")
	look(tree+url.PathEscape(marked), "It cannot be shown")
	look(tree+"table.db?sql="+url.QueryEscape("SELECT * FROM t"), "table.db")
	look(tree+"table.db?sql="+url.QueryEscape(marked), "table.db")
	for name := range files {
		look(tree+url.PathEscape(name), name)
		// At its own address it is saved: the browser stays where it is.
		if err := chromedp.Run(ctx, chromedp.Navigate(address+"raw/latest/"+url.PathEscape(name))); err == nil || !strings.Contains(err.Error(), "ERR_ABORTED") {
			t.Errorf("%q is shown at its own address: %v", name, err)
		}
	}
	// A query without an end ends, and the pages beside it are there meanwhile.
	endless := make(chan string, 1)
	go func() {
		query := url.QueryEscape("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n")
		response, err := http.Get(tree + "table.db?sql=" + query)
		if err != nil {
			endless <- err.Error()
			return
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		endless <- string(body)
	}()
	look(tree+"r.txt", "r.txt")
	if answer := <-endless; !strings.Contains(answer, "takes more than") {
		t.Errorf("a query without an end: %s", answer)
	}
	if calls.Load() != 0 || dialogs.Load() != 0 {
		t.Errorf("something has run: %d calls, %d dialogs", calls.Load(), dialogs.Load())
	}
}

// mustRoot is the folder that the one snapshot of an archive is of.
func mustRoot(t *testing.T, archive string) string {
	t.Helper()
	for root := range snapshotsOf(t, archive) {
		return root
	}
	t.Fatal("no snapshot")
	return ""
}
