package pages

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

var pictures = flag.String("pictures", "", "a folder for screenshots, to look at")

func fileURL(tree, name string) string {
	return "file://" + filepath.ToSlash(filepath.Join(tree, name))
}

func tab(t testing.TB, look rig.Look) *rig.Tab {
	t.Helper()
	opened, err := browser.Tab(look)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opened.Close)
	return opened
}

func open(t testing.TB, tab *rig.Tab, url string) {
	t.Helper()
	if err := tab.Do(chromedp.Navigate(url)); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}

func eval[T any](t testing.TB, tab *rig.Tab, expression string) (value T) {
	t.Helper()
	if err := tab.Eval(expression, &value); err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// TestLook looks at the pages as they are on a phone and on a desk, by day and by night: nothing sticks out of them, and axe-core has
// nothing to say.
func TestLook(t *testing.T) {
	tree := showcase(t)
	for _, width := range []int64{390, 1280} {
		for _, dark := range []bool{false, true} {
			tab := tab(t, rig.Look{Width: width, Height: 900, Dark: dark})
			for name, url := range map[string]string{
				"list": "index.html", "search": "index.html#q=ftp", "page": "community/v1.1.0/ftp/index.html",
				"long": "community/v1.1.0/a-long-name-of-an-integration-that-goes-on/index.html",
			} {
				open(t, tab, fileURL(tree, url))
				if name == "search" {
					await(t, tab, `document.querySelectorAll("#results li").length === 2`)
				}
				if wide := eval[int64](t, tab, "document.documentElement.scrollWidth"); wide > width {
					t.Errorf("%s: %d wide on a screen of %d", name, wide, width)
				}
				found, err := tab.Violations(axe)
				if err != nil {
					t.Fatal(err)
				}
				for _, violation := range found {
					t.Errorf("%s at %d, dark %t: %s", name, width, dark, violation)
				}
				if *pictures != "" {
					file := filepath.Join(*pictures, fmt.Sprintf("%s-%d-%t.png", name, width, dark))
					if err := tab.Screenshot(file); err != nil {
						t.Fatal(err)
					}
				}
			}
			if said := tab.Errors(); len(said) > 0 {
				t.Errorf("the console has errors: %q", said)
			}
			tab.Close()
		}
	}
}

// await waits until an expression is true.
func await(t testing.TB, tab *rig.Tab, expression string) {
	t.Helper()
	wait := fmt.Sprintf("new Promise((done) => { const look = () => (%s) ? done(true) : setTimeout(look, 10); look(); setTimeout(() => done(false), 20000); })", expression)
	if !eval[bool](t, tab, wait) {
		t.Fatalf("it did not come to be that %s", expression)
	}
}
