package pages

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	permissions "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// shown are the names of the integrations that the list shows.
const shown = `[...document.querySelectorAll("#results .at")].map((e) => e.textContent.split(" ")[0])`

// keys presses keys, one after another. A slash is one event, as from a keyboard: chromedp sends the letter apart, which then
// comes even where a page has taken the key for itself.
func keys(pressed ...string) chromedp.Action {
	var actions chromedp.Tasks
	for _, key := range pressed {
		if key == "/" {
			down := input.DispatchKeyEvent(input.KeyDown).WithKey(key).WithText(key).WithUnmodifiedText(key).WithWindowsVirtualKeyCode(191)
			actions = append(actions, down, input.DispatchKeyEvent(input.KeyUp).WithKey(key).WithWindowsVirtualKeyCode(191))
			continue
		}
		actions = append(actions, chromedp.KeyEvent(key))
	}
	return actions
}

// TestUse searches, filters, walks by keyboard and copies, in a folder and below an address, with a script and without.
func TestUse(t *testing.T) {
	tree := showcase(t)
	at := func(t *testing.T, url string) *rig.Tab {
		tab := tab(t, rig.Look{Width: 1280, Height: 900})
		open(t, tab, url)
		return tab
	}
	list := fileURL(tree, "index.html")
	finds := func(t *testing.T, tab *rig.Tab, want ...string) {
		t.Helper()
		wanted, _ := json.Marshal(want)
		await(t, tab, fmt.Sprintf("JSON.stringify(%s) === %q", shown, wanted))
	}
	t.Run("search", func(t *testing.T) {
		tab := at(t, list)
		// Nothing is loaded before it is needed, and what is, is beside the page.
		if asked := tab.Requests(); slices.ContainsFunc(asked, func(u string) bool { return strings.HasSuffix(u, ".js") }) {
			t.Errorf("%q", asked)
		}
		for _, step := range []struct {
			key  string
			want []string
		}{{"/", nil}, {"f", nil}, {"t", nil}, {"p", []string{"ftp", "sftp"}}, {" stor", []string{"ftp", "sftp"}}, {"e on one", []string{"ftp"}}, {" zq", []string{}}} {
			if err := tab.Do(keys(step.key)); err != nil {
				t.Fatal(err)
			}
			if step.want != nil {
				finds(t, tab, step.want...)
			}
		}
		if said := eval[string](t, tab, `document.getElementById("count").textContent`); said != "Nothing is like that." {
			t.Errorf("it says %q", said)
		}
		// Escape shows all again.
		if err := tab.Do(chromedp.KeyEvent(kb.Escape)); err != nil {
			t.Fatal(err)
		}
		await(t, tab, shown+`.length === 10 && location.hash === ""`)
	})
	t.Run("filters", func(t *testing.T) {
		tab := at(t, list)
		set := func(name, value string) {
			t.Helper()
			eval[bool](t, tab, fmt.Sprintf(`(() => { const e = document.querySelector("[name=%s]"); e.value = %q; return e.dispatchEvent(new Event("input", {bubbles: true})); })()`, name, value))
		}
		for _, step := range []struct {
			name, value string
			want        []string
		}{
			{"type", "storage", []string{"fs", "ftp", "s3", "sftp"}}, {"platform", "linux/arm64", []string{"ftp", "s3", "sftp"}},
			{"class", "object-storage", []string{"s3"}}, {"class", "", []string{"ftp", "s3", "sftp"}}, {"protocol", "s3", []string{"s3"}},
			{"protocol", "ftps://", []string{"ftp"}}, {"protocol", "", []string{"ftp", "s3", "sftp"}}, {"signed", "no", []string{}}, {"platform", "", []string{"fs"}},
		} {
			set(step.name, step.value)
			finds(t, tab, step.want...)
		}
		// The address has it all, and shows it to whoever opens it.
		address := eval[string](t, tab, "location.href")
		if want := "#type=storage&signed=no"; !strings.HasSuffix(address, want) {
			t.Errorf("the address is %s, without %s", address, want)
		}
		finds(t, at(t, address), "fs")
		if err := tab.Do(chromedp.Click("#clear", chromedp.ByQuery)); err != nil {
			t.Fatal(err)
		}
		await(t, tab, shown+".length === 10")
	})
	t.Run("keyboard", func(t *testing.T) {
		tab := at(t, list+"#q=ftp")
		finds(t, tab, "ftp", "sftp")
		focused := `document.activeElement.textContent || document.activeElement.id`
		for _, step := range []struct{ key, want string }{
			{"/", "q"}, {kb.ArrowDown, "FTP"}, {kb.ArrowDown, "SFTP"}, {kb.ArrowDown, "SFTP"}, {kb.ArrowUp, "FTP"}, {kb.ArrowUp, "q"}, {kb.ArrowDown, "FTP"},
		} {
			if err := tab.Do(keys(step.key)); err != nil {
				t.Fatal(err)
			}
			if got := eval[string](t, tab, focused); got != step.want {
				t.Errorf("after %q: %q has the focus, not %q", step.key, got, step.want)
			}
		}
		if err := tab.Do(chromedp.KeyEvent(kb.Enter)); err != nil {
			t.Fatal(err)
		}
		await(t, tab, `location.pathname.endsWith("/community/v1.1.0/ftp/index.html")`)
		// And back, as it was left.
		if err := tab.Do(chromedp.NavigateBack()); err != nil {
			t.Fatal(err)
		}
		finds(t, tab, "ftp", "sftp")
		// Enter in the search opens the first that was found.
		if err := tab.Do(keys("/", kb.Enter)); err != nil {
			t.Fatal(err)
		}
		await(t, tab, `location.pathname.endsWith("/ftp/index.html")`)
	})
	t.Run("copy", func(t *testing.T) {
		address := serve(t, tree)
		tab := at(t, address+"community/v1.1.0/ftp/index.html")
		grant := permissions.SetPermission(&permissions.PermissionDescriptor{Name: "clipboard-read"}, permissions.PermissionSettingGranted)
		if err := tab.Do(grant, chromedp.Click(".copy", chromedp.ByQuery)); err != nil {
			t.Fatal(err)
		}
		await(t, tab, `document.getElementById("said").textContent === "Copied"`)
		want := "plakar pkg registry add packages " + strings.TrimSuffix(address, "/") + "\nplakar pkg add ftp"
		if got := eval[string](t, tab, "navigator.clipboard.readText()"); got != want {
			t.Errorf("%q was copied, not %q", got, want)
		}
	})
	t.Run("without a script", func(t *testing.T) {
		tab := tab(t, rig.Look{Width: 1280, Height: 900})
		if err := tab.Do(emulation.SetScriptExecutionDisabled(true)); err != nil {
			t.Fatal(err)
		}
		open(t, tab, list)
		var visible, names []string
		if err := errors.Join(tab.Eval(shown, &names), tab.Eval(`[...document.querySelectorAll("button, input, select")].filter((e) => e.checkVisibility()).map((e) => e.outerHTML)`, &visible)); err != nil {
			t.Fatal(err)
		}
		if len(names) != 10 || len(visible) != 0 {
			t.Errorf("%q is listed; %q does nothing", names, visible)
		}
		if err := tab.Do(chromedp.Click(`#results a[href*="/ftp/"]`, chromedp.ByQuery), chromedp.WaitVisible("#install", chromedp.ByQuery)); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("below an address", func(t *testing.T) {
		tab := at(t, serve(t, tree))
		if err := tab.Do(keys("/", "imap")); err != nil {
			t.Fatal(err)
		}
		finds(t, tab, "imap")
		// Every link of every page leads to something, and all that was asked for is of the tree.
		checkLinks(t, tree)
		for _, asked := range tab.Requests() {
			if u, err := url.Parse(asked); err != nil || u.Hostname() != "127.0.0.1" {
				t.Errorf("it asks for %s", asked)
			}
		}
		if said := tab.Errors(); len(said) > 0 {
			t.Errorf("the console has errors: %q", said)
		}
	})
	t.Run("print", func(t *testing.T) {
		tab := at(t, fileURL(tree, "community/v1.1.0/ftp/index.html"))
		if err := tab.Do(emulation.SetEmulatedMedia().WithMedia("print")); err != nil {
			t.Fatal(err)
		}
		if seen := eval[[]string](t, tab, `[...document.querySelectorAll("button, .top, .contents")].filter((e) => e.checkVisibility()).map((e) => e.outerHTML)`); len(seen) > 0 {
			t.Errorf("%q is printed", seen)
		}
		if *pictures != "" {
			if err := tab.Screenshot(filepath.Join(*pictures, "print.png")); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// checkLinks follows the links in the pages of a tree.
func checkLinks(t *testing.T, tree string) {
	t.Helper()
	tab := tab(t, rig.Look{Width: 1280, Height: 900})
	for _, page := range []string{"index.html", "community/v1.1.0/ftp/index.html", "community/v1.1.0/caldav/index.html"} {
		open(t, tab, fileURL(tree, page))
		for _, link := range eval[[]string](t, tab, `[...document.querySelectorAll("[href], [src]")].map((e) => e.href || e.src)`) {
			u, err := url.Parse(link)
			if err != nil || u.Scheme != "file" {
				continue
			}
			if _, err := os.Stat(u.Path); err != nil {
				t.Errorf("%s: %v", page, err)
			}
			if id := u.Fragment; id != "" && u.Path == filepath.Join(tree, page) {
				if !eval[bool](t, tab, fmt.Sprintf("document.getElementById(%q) !== null", id)) {
					t.Errorf("%s: nothing is at #%s", page, id)
				}
			}
		}
	}
}
