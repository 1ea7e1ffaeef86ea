package pages

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// attack is what a stranger writes to have something run, or asked for. CANARY is an address that nobody may ask.
type attack struct{ readme, text, icon, schema string }

var attacks = []attack{
	{readme: `<script>fetch("CANARY");alert(1)</script>`},
	{readme: `<img src=x onerror="fetch('CANARY');alert(1)">`},
	{readme: `![x](CANARY)`},
	{readme: `<img src="CANARY">`},
	{readme: `<svg onload="fetch('CANARY')"><script>fetch("CANARY")</script></svg>`},
	{readme: `<iframe src="CANARY"></iframe><iframe srcdoc="<script>parent.fetch('CANARY')</script>"></iframe>`},
	{readme: `<link rel="stylesheet" href="CANARY"><style>@import "CANARY"; body{background:url(CANARY)}</style>`},
	{readme: `<p style="background:url(CANARY)">x</p><div style="position:fixed;inset:0">over all</div>`},
	{readme: `[click](javascript:fetch('CANARY'))  [two](JaVaScRiPt&#58;alert(1)) [three](data:text/html,<script>alert(1)</script>)`},
	{readme: `<a href="javascript:alert(1)">x</a><a href="&#106;avascript:alert(1)">y</a><a href="java` + "\t" + `script:alert(1)">z</a>`},
	{readme: `<meta http-equiv="refresh" content="0;url=CANARY"><base href="CANARY">`},
	{readme: `<form action="CANARY"><input autofocus onfocus="fetch('CANARY')"><button>Copy</button></form>`},
	{readme: `<object data="CANARY"></object><embed src="CANARY"><video src="CANARY" autoplay></video><audio src="CANARY"></audio>`},
	{readme: `<details open ontoggle="fetch('CANARY')"><summary>x</summary></details>`},
	{readme: `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=fetch('CANARY')&gt;">`},
	{readme: `<noscript><p title="</noscript><img src=x onerror=fetch('CANARY')>"></noscript>`},
	{readme: `</div></section></main><script>fetch("CANARY")</script><!--`},
	{readme: "```\"><script>fetch('CANARY')</script>\nx\n```\n\n# <b onclick=\"fetch('CANARY')\">x</b> {onload=fetch}\n"},
	{readme: "[x]: CANARY \"\\\" onmouseover=fetch('CANARY')\"\n\n[x] <CANARY> ![a][x]"},
	{readme: "# said\n\n# find\n\n<p id=\"said\" name=\"find\">x</p><form id=find></form><a id=location href=\"https://example.org\">x</a>"},
	{readme: strings.Repeat("> ", 2000) + "x\n\n" + strings.Repeat("- ", 2000) + "x\n\n" + strings.Repeat("[", 20000) + strings.Repeat("*a_", 20000)},
	{readme: `<a href="https://example.org/elsewhere"><table><tr><td><details><ul><li><b><h3>open`},
	{readme: `<table><caption>x</table></table></details></ul></p></blockquote></div></section></main></body></html><a href="https://example.org/elsewhere">`},
	{text: `<script>fetch("CANARY");alert(1)</script>`},
	{text: `"><img src=x onerror="fetch('CANARY')">`},
	{text: `</title></style></script><script>fetch('CANARY')</script>`},
	{text: `'"` + "`" + `;fetch("CANARY");//\u2028</script>${fetch("CANARY")}{{.}}`},
	{text: `javascript:fetch('CANARY')`},
	{text: strings.Repeat("A", 900) + "\u202e\u0000" + `<img src=CANARY>`},
	{icon: `<svg xmlns="http://www.w3.org/2000/svg" onload="fetch('CANARY')"><script>fetch("CANARY");alert(1)</script><image href="CANARY"/></svg>`},
	{icon: `<svg xmlns="http://www.w3.org/2000/svg"><style>@import url(CANARY);</style><foreignObject><iframe xmlns="http://www.w3.org/1999/xhtml" src="CANARY"/></foreignObject></svg>`},
	{schema: `{"type": "object", "required": ["$(touch x)", "ok", "a;b", "a\nplakar rm"], "properties": {"<script>fetch('CANARY')</script>": {"type": "<img src=x onerror=alert(1)>",
"default": "<script>alert(1)</script>", "enum": ["\"><img src=CANARY>"], "description": "<img src=CANARY onerror=fetch('CANARY')>"},
"__proto__": {"description": 1}, "$(touch x)": {}, "ok": {"type": "string"}, "a;b": {}, "a\nplakar rm": {}}}`},
	{schema: `{"properties": {"location": {"description": ["CANARY"], "default": {"a": "<script>alert(1)</script>"}}, "x` + strings.Repeat("y", 200) + `": true}}`},
}

// hostileTree publishes an integration for each attack, with it wherever it may be written.
func hostileTree(t testing.TB, canary string) (tree string, names []string) {
	r := newRegistry(t, t.TempDir())
	var sources []source
	for i, a := range attacks {
		fill := func(s string) string { return strings.ReplaceAll(s, "CANARY", fmt.Sprintf("%s/%d", canary, i)) }
		s := source{
			name: fmt.Sprintf("h%02d", i), title: fmt.Sprint("Hostile ", i), description: "d", license: "ISC", tags: []string{"t"}, contact: "c",
			homepage: "https://example.org", connectors: connector("importer", "saas", fmt.Sprintf("h%02d", i), ""),
			schema: `{"type": "object", "properties": {}}`, readme: "# x\n", notes: "# x\n",
		}
		if a.readme != "" {
			s.readme, s.notes = "# Before\n\n"+fill(a.readme)+"\n\nAfter\n", fill(a.readme)
		}
		if text := fill(a.text); text != "" {
			s.title, s.description, s.license, s.tags, s.contact, s.homepage = text, text, text, []string{text}, text, "https://example.org/"+text
		}
		if a.icon != "" {
			s.icon = fill(a.icon)
		}
		if a.schema != "" {
			s.schema = fill(a.schema)
		}
		sources, names = append(sources, s), append(names, s.name)
	}
	r.release("v1.0.0", false, []string{"linux/amd64"}, sources...)
	r.release("v1.1.0", false, []string{"linux/amd64"}, sources...)
	for i, a := range attacks {
		if a.text != "" {
			r.run("index", "--out-dir", "tree", "--quiet", "--withdraw", names[i]+"@v1.0.0", "--reason", strings.ReplaceAll(strings.ReplaceAll(a.text, "\x00", ""), "CANARY", canary))
		}
	}
	return r.tree(), names
}

// TestHostile opens what strangers have written: with the pages' own policies, and with a browser that ignores them, so that what
// the pages are made of is safe by itself. Then a page that somebody has put a script into: its policy alone has to hold.
func TestHostile(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	canary := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.URL.Path)
	}))
	defer canary.Close()
	tree, names := hostileTree(t, canary.URL)
	address := serve(t, tree)
	for _, bypass := range []bool{false, true} {
		tab := tab(t, rig.Look{Width: 800, Height: 600, BypassCSP: bypass})
		for _, name := range names {
			url := address + "community/v1.1.0/" + name + "/index.html"
			if bypass {
				url = fileURL(tree, "community/v1.1.0/"+name+"/index.html")
			}
			open(t, tab, url)
			// What a user would do: move over all of it, look at what is closed, click the links of strangers.
			eval[bool](t, tab, `(() => { for (const e of document.querySelectorAll(".readme *, .options *, aside *")) { e.dispatchEvent(new MouseEvent("mouseover", {bubbles: true})); if (e.tagName === "DETAILS") e.open = !e.open; } return true; })()`)
			bad := eval[[]string](t, tab, `[...document.querySelectorAll("script, style, iframe, object, embed, form, base, link, meta, img, svg, [style], [onload], [onerror], [onclick], a[href]")].filter((e) =>
				e.tagName === "A" ? !/^(https?|mailto|file):$/.test(e.protocol) : e.closest("main")).filter((e) => !e.matches("img.icon")).map((e) => e.outerHTML)`)
			if len(bad) > 0 {
				t.Errorf("%s: %q", name, bad)
			}
			if where := eval[string](t, tab, "location.href"); where != url {
				t.Fatalf("%s led to %s", name, where)
			}
			if inside := eval[bool](t, tab, `[...document.querySelectorAll("#versions, #files h2, footer, aside")].some((e) => e.closest(".readme, a, table, details"))`); inside {
				t.Errorf("%s: the rest of the page is in what a text has left open", name)
			}
			if clobbered := eval[bool](t, tab, `document.querySelectorAll("#said").length !== 1 || document.getElementById("find") !== null`); clobbered {
				t.Errorf("%s: names of the page's own are taken", name)
			}
		}
		// The list, plain and searched.
		open(t, tab, address+"index.html#q=hostile")
		await(t, tab, `document.querySelectorAll("#results li").length > 10 && document.getElementById("count").textContent.includes("integrations")`)
		open(t, tab, address+"index.html#q=script&protocol=%22%3E%3Cimg%20src%3Dx%3E")
		if dialogs := tab.Dialogs(); len(dialogs) > 0 {
			t.Errorf("it says %q", dialogs)
		}
		for _, request := range tab.Requests() {
			if strings.HasPrefix(request, canary.URL) {
				t.Errorf("it asks for %s", request)
			}
		}
		tab.Close()
	}
	// Commands to copy have nothing in them that a shell would do.
	page, err := os.ReadFile(filepath.Join(tree, "community/v1.1.0/h31/index.html"))
	if err != nil || !strings.Contains(string(page), "plakar at STORE backup -o ok=OK h31://LOCATION") {
		t.Errorf("the command is another: %v", err)
	}

	file := filepath.Join(tree, "community/v1.1.0/h00/index.html")
	page, err = os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	injected := `<script>fetch("CANARY")</script><img src="CANARY" onerror="fetch('CANARY')"><img src=x onerror="document.title='ran'"><script src="CANARY"></script>` +
		`<link rel="stylesheet" href="CANARY"><iframe src="CANARY"></iframe><p style="background:url(CANARY)">x</p><form action="CANARY"><button id="go">go</button></form></main>`
	put(t, file, strings.Replace(string(page), "</main>", strings.ReplaceAll(injected, "CANARY", canary.URL), 1))
	broken := tab(t, rig.Look{Width: 800, Height: 600})
	open(t, broken, address+"community/v1.1.0/h00/index.html")
	if err := broken.Do(chromedp.Click("#go", chromedp.ByQuery)); err != nil {
		t.Fatal(err)
	}
	if title := eval[string](t, broken, "document.title"); title == "ran" || len(broken.Errors()) == 0 {
		t.Errorf("%q, and the policy says %q", title, broken.Errors())
	}
	mu.Lock()
	defer mu.Unlock()
	if len(asked) > 0 {
		t.Errorf("it was asked for %q", asked)
	}
}
