package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/finding/findingtest"
	"github.com/PlakarKorp/kpkg/internal/access"
	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/release"
)

var update = flag.Bool("update", false, "rewrite the documentation of rules")

// dist is a release of an integration whose executable is a script, in a folder of its own.
func dist(t testing.TB, key *release.SecretKey, name, version string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name+version)
	makeDist(t, key, dir, name, version)
	return dir
}

func makeDist(t testing.TB, key *release.SecretKey, dir, name, version string) {
	t.Helper()
	ctx := context.Background()
	manifest := fmt.Sprintf("name: %s\ndisplay_name: N\ndescription: of %s\nlicense: ISC\nhomepage: https://example.org\napi_version: v1.1.0\n"+
		"connectors:\n- {type: importer, class: service, executable: run, protocols: [x%s], validator: schema.json}\n", name, version, name)
	content, err := ptarbuild.New(ctx, []ptarbuild.File{
		ptarbuild.FromBytes("manifest.yaml", []byte(manifest)),
		ptarbuild.FromBytes("README.md", []byte("# "+name+" "+version+"\n")),
		ptarbuild.FromBytes("assets/icon.svg", []byte("<svg/>")),
		ptarbuild.FromBytes("LICENSE", []byte("ISC")),
		ptarbuild.FromBytes("schema.json", []byte(`{"type": "object", "properties": {"location": {"type": "string"}}}`)),
		{Name: "run", Executable: true, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("#!/bin/sh\necho " + version + "\n")), nil
		}},
	}, ptarbuild.Options{Time: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := content.Write(ctx, &b); err != nil {
		t.Fatal(err)
	}
	recipe, err := release.Recipe{Name: name, Version: name + "/" + version, Repository: "https://example.org/r"}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, data := range map[string][]byte{
		name + "_" + version + "_linux_amd64.ptar": b.Bytes(), release.RecipeName: recipe, release.NotesName: []byte("# Notes of " + version + "\n"),
	} {
		put(t, filepath.Join(dir, file), data)
		var err error
		if key != nil {
			_, err = release.Sign(ctx, filepath.Join(dir, file), key)
		} else {
			_, err = release.WriteSum(ctx, filepath.Join(dir, file))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func put(t testing.TB, file string, data []byte) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, data, 0o644)); err != nil {
		t.Fatal(err)
	}
}

func get(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func newKey(t testing.TB, name string) *release.SecretKey {
	t.Helper()
	key, err := release.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	key.File = name + release.SecretExtension
	return key
}

// add publishes, and fails the test when that fails.
func add(t testing.TB, opts Options, dists ...string) []Change {
	t.Helper()
	changes, err := Add(context.Background(), dists, opts)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

func trust(keys ...*release.SecretKey) release.Trust {
	var public []*release.PublicKey
	for _, key := range keys {
		public = append(public, key.Public())
	}
	return release.Trust{Keys: public}
}

// look is what a check says: the rules, and all of it.
func look(t testing.TB, location string, opts CheckOptions) ([]string, []finding.Finding) {
	t.Helper()
	return lookBy(t, context.Background(), location, opts)
}

func lookBy(t testing.TB, ctx context.Context, location string, opts CheckOptions) ([]string, []finding.Finding) {
	t.Helper()
	checked, err := Check(ctx, location, opts)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, f := range checked.Findings {
		said = append(said, f.Rule)
	}
	slices.Sort(said)
	return slices.Compact(said), checked.Findings
}

// sound fails the test unless the tree is as it should be.
func sound(t testing.TB, tree string, keys ...*release.SecretKey) {
	t.Helper()
	if _, findings := look(t, tree, CheckOptions{Trust: trust(keys...)}); len(findings) > 0 {
		t.Errorf("%v", findings)
	}
}

func readTree(t testing.TB, tree, name string) *Index {
	t.Helper()
	index, err := decodeIndex(get(t, filepath.Join(tree, name)))
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// offers are the NAME@VERSIONs of an index.
func offers(index *Index) (list []string) {
	for _, i := range index.Integrations {
		list = append(list, i.Name+"@"+i.Version)
	}
	return list
}

// TestLife follows a tree through versions, pre-releases and a withdrawal.
func TestLife(t *testing.T) {
	key := newKey(t, "acme")
	opts := Options{Tree: filepath.Join(t.TempDir(), "tree"), Key: key}
	at := func(name string) string { return filepath.Join(opts.Tree, filepath.FromSlash(name)) }
	expect := func(stage string, all, early []string, recipe string) {
		t.Helper()
		if got := offers(readTree(t, opts.Tree, IndexName)); !slices.Equal(got, all) {
			t.Errorf("%s: the index offers %q, not %q", stage, got, all)
		}
		if got := offers(readTree(t, opts.Tree, PrereleasesName)); !slices.Equal(got, early) {
			t.Errorf("%s: the pre-releases are %q, not %q", stage, got, early)
		}
		data, err := os.ReadFile(at("community/v1.1.0/a/recipe.yaml"))
		if recipe == "" && errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		if err != nil || !strings.Contains(string(data), recipe) {
			t.Errorf("%s: the recipe is %q, %v; want %s", stage, data, err, recipe)
		}
		sound(t, opts.Tree, key)
	}
	a1, a2, rc, b1 := dist(t, key, "a", "v1.0.0"), dist(t, key, "a", "v1.1.0"), dist(t, key, "a", "v1.2.0-rc.1"), dist(t, key, "b", "v1.0.0")
	add(t, opts, a1)
	expect("first", []string{"a@v1.0.0"}, nil, "a/v1.0.0")
	add(t, opts, a2, b1)
	expect("more", []string{"a@v1.1.0", "b@v1.0.0"}, nil, "a/v1.1.0")
	add(t, opts, rc)
	expect("pre-release", []string{"a@v1.1.0", "b@v1.0.0"}, []string{"a@v1.2.0-rc.1"}, "a/v1.1.0")
	if readme := get(t, at("community/v1.1.0/a/README.md")); string(readme) != "# a v1.1.0\n" {
		t.Errorf("the README is %q", readme)
	}
	for _, version := range []string{"v1.0.0", "v1.1.0", "v1.2.0-rc.1"} { // older ones are kept
		get(t, at("community/v1.1.0/a/a_"+version+"_linux_amd64.ptar"))
		get(t, at("community/v1.1.0/a/"+version+"/recipe.yaml.sum.sig"))
	}
	before := get(t, at(IndexName))
	if changes := add(t, opts, a1, a2, rc, b1); slices.ContainsFunc(changes, func(c Change) bool { return c.What != Unchanged }) {
		t.Errorf("the same again: %v", changes)
	}
	if !bytes.Equal(before, get(t, at(IndexName))) {
		t.Error("the index changed, and nothing in it did")
	}
	if c, err := Withdraw(t.Context(), "a", "v1.1.0", "loses files", opts); err != nil || c.What != Withdrawn {
		t.Errorf("%v, %v", c, err)
	}
	expect("withdrawn", []string{"a@v1.0.0", "b@v1.0.0"}, []string{"a@v1.2.0-rc.1"}, "a/v1.0.0")
	get(t, at("community/v1.1.0/a/a_v1.1.0_linux_amd64.ptar"))
	if !bytes.Contains(get(t, at("community/v1.1.0/a/versions.json")), []byte(`"withdrawn": "loses files"`)) {
		t.Error("the reason is not told")
	}
	if _, err := Withdraw(t.Context(), "a", "v1.0.0", "too", opts); err != nil {
		t.Error(err)
	}
	expect("none left", []string{"b@v1.0.0"}, []string{"a@v1.2.0-rc.1"}, "")
	for _, wrong := range [][3]string{{"a", "v9.0.0", "x"}, {"none", "v1.0.0", "x"}, {"a", "v1.0.0", " "}, {"../a", "v1.0.0", "x"}} {
		if _, err := Withdraw(t.Context(), wrong[0], wrong[1], wrong[2], opts); err == nil {
			t.Errorf("%q is withdrawn", wrong)
		}
	}
	add(t, opts, dist(t, key, "a", "v1.2.0"))
	expect("released", []string{"a@v1.2.0", "b@v1.0.0"}, nil, "a/v1.2.0")
}

// What a run refuses leaves the tree as it is.
func TestRefused(t *testing.T) {
	key, other := newKey(t, "acme"), newKey(t, "other")
	opts := Options{Tree: filepath.Join(t.TempDir(), "tree"), Key: key}
	add(t, opts, dist(t, key, "a", "v1.0.0"))
	before := get(t, filepath.Join(opts.Tree, IndexName))
	good := func() string { return dist(t, key, "b", "v1.0.0") }
	packageOf := func(dir string) string { return filepath.Join(dir, "b_v1.0.0_linux_amd64.ptar") }
	for name, test := range map[string]struct {
		dist func() string
		opts Options
		want string
	}{
		"other bytes": {func() string {
			dir := dist(t, key, "a", "v1.0.0")
			put(t, filepath.Join(dir, "NOTES.md"), []byte("other"))
			os.Remove(filepath.Join(dir, "NOTES.md.sum"))
			release.Sign(t.Context(), filepath.Join(dir, "NOTES.md"), key)
			return dir
		}, opts, "a v1.0.0 is published already, with other files (v1.0.0/NOTES.md)"},
		"one file less": {func() string {
			dir := dist(t, key, "a", "v1.0.0")
			os.Remove(filepath.Join(dir, "NOTES.md"))
			return dir
		}, opts, "published already"},
		"tampered":          {func() string { dir := good(); put(t, packageOf(dir), []byte("x")); return dir }, opts, "has the SHA-256"},
		"no sum":            {func() string { dir := good(); os.Remove(packageOf(dir) + ".sum"); return dir }, opts, "there is no"},
		"no signature":      {func() string { dir := good(); os.Remove(packageOf(dir) + ".sum.sig"); return dir }, opts, "nobody tells who made"},
		"another key":       {func() string { return dist(t, other, "b", "v1.0.0") }, opts, "is signed with the key " + other.ID.String()},
		"a broken package":  {func() string { return broken(t, key, good()) }, opts, "does not pass its verification"},
		"another name":      {func() string { return mixed(t, key) }, opts, "and the recipe beside it is of b v2.0.0"},
		"no release":        {func() string { return t.TempDir() }, opts, "holds no release"},
		"no package":        {func() string { dir := good(); os.Remove(packageOf(dir)); return dir }, opts, "holds no package"},
		"a folder within":   {func() string { dir := good(); os.Mkdir(filepath.Join(dir, "x"), 0o755); return dir }, opts, "is no file of a release"},
		"a tree without it": {good, Options{Tree: opts.Tree}, "is signed: give the key"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := test.dist()
			if _, err := Add(t.Context(), []string{good(), dir}, test.opts); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; want %q", err, test.want)
			}
			if !bytes.Equal(before, get(t, filepath.Join(opts.Tree, IndexName))) {
				t.Error("the index has changed")
			}
			sound(t, opts.Tree, key)
		})
	}
	// A key that others sign with may be trusted.
	add(t, Options{Tree: opts.Tree, Key: key, Trusted: []*release.PublicKey{other.Public()}}, dist(t, other, "b", "v1.0.0"))
	sound(t, opts.Tree, key, other)
}

// TestRefusesTheFirst has bad releases that are read side by side, of which the first takes longest to be found out.
func TestRefusesTheFirst(t *testing.T) {
	key := newKey(t, "acme")
	dists := []string{dist(t, key, "b", "v1.1.0"), broken(t, key, dist(t, key, "b", "v1.0.0"))}
	for range 4 {
		dir := dist(t, key, "c", "v1.0.0")
		os.Remove(filepath.Join(dir, "NOTES.md.sum"))
		dists = append(dists, dir)
	}
	for range 20 {
		_, err := Add(t.Context(), dists, Options{Tree: t.TempDir(), Key: key})
		if err == nil || !strings.Contains(err.Error(), dists[1]) {
			t.Fatalf("%v; want one of %s", err, dists[1])
		}
	}
}

// broken is a release of a package that is damaged, with a sum and a signature that are right.
func broken(t *testing.T, key *release.SecretKey, dir string) string {
	t.Helper()
	file := filepath.Join(dir, "b_v1.0.0_linux_amd64.ptar")
	data := get(t, file)
	data[len(data)/2] ^= 1
	resigned(t, key, file, data)
	return dir
}

// mixed is a release with a package of another.
func mixed(t *testing.T, key *release.SecretKey) string {
	t.Helper()
	dir, other := dist(t, key, "b", "v2.0.0"), dist(t, key, "b", "v1.0.0")
	for _, extension := range []string{"", ".sum", ".sum.sig"} {
		name := "b_v1.0.0_linux_amd64.ptar" + extension
		put(t, filepath.Join(dir, name), get(t, filepath.Join(other, name)))
	}
	return dir
}

func resigned(t *testing.T, key *release.SecretKey, file string, data []byte) {
	t.Helper()
	put(t, file, data)
	os.Remove(file + ".sum")
	if _, err := release.Sign(context.Background(), file, key); err != nil {
		t.Fatal(err)
	}
}

// TestSignedAgain has all of a tree change from a key to the next.
func TestSignedAgain(t *testing.T) {
	old, next := newKey(t, "old"), newKey(t, "next")
	tree := filepath.Join(t.TempDir(), "tree")
	dir := dist(t, old, "a", "v1.0.0")
	add(t, Options{Tree: tree, Key: old}, dir)
	for _, name := range []string{"a_v1.0.0_linux_amd64.ptar", "recipe.yaml", "NOTES.md"} {
		if _, err := release.Sign(t.Context(), filepath.Join(dir, name), next); err != nil {
			t.Fatal(err)
		}
	}
	if changes := add(t, Options{Tree: tree, Key: next}, dir); changes[0].What != SignedAgain {
		t.Errorf("%v", changes)
	}
	sound(t, tree, next)
}

// TestTampered changes each file of a tree in every way that a check has a rule for, in a folder and behind a server.
func TestTampered(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	key, thief := newKey(t, "acme"), newKey(t, "thief")
	const dir = "community/v1.1.0/a/"
	const file = dir + "a_v1.1.0_linux_amd64.ptar"
	edit := func(name, from, to string) func(*testing.T, string) {
		return func(t *testing.T, tree string) {
			path := filepath.Join(tree, filepath.FromSlash(name))
			data := get(t, path)
			if !bytes.Contains(data, []byte(from)) {
				t.Fatalf("%s has no %q", name, from)
			}
			os.Remove(path) // not into what others link to
			put(t, path, bytes.Replace(data, []byte(from), []byte(to), 1))
		}
	}
	sign := func(name string) func(*testing.T, string) {
		return func(t *testing.T, tree string) {
			path := filepath.Join(tree, filepath.FromSlash(name))
			resigned(t, key, path, get(t, path))
		}
	}
	copyOver := func(from, to string) func(*testing.T, string) {
		return func(t *testing.T, tree string) {
			for _, extension := range []string{"", ".sum", ".sum.sig"} {
				path := filepath.Join(tree, filepath.FromSlash(to)+extension)
				data := get(t, filepath.Join(tree, filepath.FromSlash(from)+extension))
				os.Remove(path)
				put(t, path, data)
			}
		}
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, tree string) {
			if err := os.Remove(filepath.Join(tree, filepath.FromSlash(name))); err != nil {
				t.Fatal(err)
			}
		}
	}
	both := func(steps ...func(*testing.T, string)) func(*testing.T, string) {
		return func(t *testing.T, tree string) {
			for _, step := range steps {
				step(t, tree)
			}
		}
	}
	var raised []finding.Finding
	for name, test := range map[string]struct {
		change func(*testing.T, string)
		want   []string
		folder bool // seen in a folder only
	}{
		"nothing":             {func(*testing.T, string) {}, nil, false},
		"package":             {edit(file, "sh", "SH"), []string{"registry-package", "registry-stale", "signature-sum", "sum-mismatch"}, false},
		"package signed anew": {both(edit(file, "sh", "SH"), sign(file)), []string{"registry-package", "registry-stale"}, false},
		"package grown": {func(t *testing.T, tree string) {
			p := filepath.Join(tree, file)
			d := get(t, p)
			os.Remove(p)
			put(t, p, append(d, 0))
		}, []string{"registry-stale", "signature-sum", "sum-mismatch"}, false},
		"package gone":    {remove(file), []string{"registry-missing"}, false},
		"another package": {copyOver(dir+"a_v1.0.0_linux_amd64.ptar", file), []string{"registry-stale", "signature-name", "sum-name"}, false},
		"sum":             {edit(file+".sum", "= ", "= 0"), []string{"sum-form"}, false},
		"sum gone":        {remove(file + ".sum"), []string{"sum-missing"}, false},
		"signature":       {edit(file+".sum.sig", "= ", "= 0"), []string{"signature-forged"}, false},
		"signature, no signature": {func(t *testing.T, tree string) {
			p := filepath.Join(tree, file) + ".sum.sig"
			os.Remove(p)
			put(t, p, []byte("x"))
		}, []string{"signature-form"}, false},
		"signature gone": {remove(file + ".sum.sig"), []string{"signature-missing"}, false},
		"signature of a thief": {func(t *testing.T, tree string) {
			p := filepath.Join(tree, file)
			os.Remove(p + ".sum.sig")
			release.Sign(t.Context(), p, thief)
		}, []string{"signature-key"}, false},
		"recipe":            {edit(dir+"recipe.yaml", "v1.1.0", "v1.0.9"), []string{"registry-stale", "signature-sum", "sum-mismatch"}, false},
		"recipe, no yaml":   {edit(dir+"recipe.yaml", "name", "{"), []string{"registry-form", "signature-sum", "sum-mismatch"}, false},
		"old signed recipe": {copyOver(dir+"v1.0.0/recipe.yaml", dir+"recipe.yaml"), []string{"registry-stale"}, false},
		"recipe gone":       {remove(dir + "recipe.yaml"), []string{"registry-missing"}, false},
		"recipe of none": {func(t *testing.T, tree string) {
			put(t, filepath.Join(tree, "community/v1.1.0/c/recipe.yaml"), []byte("x"))
		}, []string{"registry-stale"}, false},
		"index":                 {edit("index/"+IndexName, "of v1.1.0", "of v1.1.1"), []string{"registry-stale", "signature-sum", "sum-mismatch"}, false},
		"index signed anew":     {both(edit("index/"+IndexName, "of v1.1.0", "of v1.1.1"), sign("index/"+IndexName)), []string{"registry-stale"}, false},
		"index gone":            {remove(IndexName), []string{"registry-missing", "registry-stale"}, false},
		"index, no JSON":        {edit("index/"+IndexName, "{", "["), []string{"registry-form", "registry-stale", "signature-sum", "sum-mismatch"}, false},
		"index of pre-releases": {copyOver("index/"+PrereleasesName, "index/"+IndexName), []string{"registry-stale", "signature-name", "sum-name"}, false},
		"versions":              {edit(dir+"versions.json", `"version": "v1.0.0"`, `"version": "v1.0.1"`), []string{"signature-sum", "sum-mismatch"}, false},
		"versions gone":         {remove(dir + "versions.json"), []string{"registry-missing"}, false},
		"versions, no JSON":     {edit(dir+"versions.json", `"name"`, `"nome"`), []string{"registry-form", "signature-sum", "sum-mismatch"}, false},
		"README":                {edit(dir+"README.md", "v1.1.0", "v1.1.1"), []string{"signature-sum", "sum-mismatch"}, false},
		"notes":                 {edit(dir+"v1.0.0/NOTES.md", "Notes", "notes"), []string{"registry-stale", "signature-sum", "sum-mismatch"}, false},
		"page":                  {edit(dir+"index.html", "of v1.1.0", "of v1.1.1"), []string{"signature-sum", "sum-mismatch"}, false},
		"page gone":             {remove(dir + "index.html"), []string{"registry-missing"}, false},
		"page of another":       {copyOver("community/v1.1.0/c/index.html", dir+"index.html"), []string{"registry-stale"}, false},
		"page, no page":         {both(edit(dir+"index.html", "of=", "of:"), sign(dir+"index.html")), []string{"registry-form"}, false},
		"list":                  {edit("index/index.html", "of v1.1.0", "of v1.1.1"), []string{"signature-sum", "sum-mismatch"}, false},
		"list of another":       {both(edit("index/index.html", "of=", "of=0"), edit("index/index.html", " generation", "0 generation"), sign("index/index.html")), []string{"registry-form"}, false},
		"list's script":         {edit("index/integrations.js", "of v1.1.0", "of v1.1.1"), []string{"signature-sum", "sum-mismatch"}, false},
		"feed gone":             {remove("feed.atom"), []string{"registry-missing"}, false},
		"no pages, as of old":   {both(remove("index.html"), remove("index.html.sum")), nil, false},
		"stray":                 {func(t *testing.T, tree string) { put(t, filepath.Join(tree, dir+"x"), nil) }, []string{"registry-stray"}, true},
		"left by a killed run":  {func(t *testing.T, tree string) { put(t, filepath.Join(tree, "community/v1.1.0/.kpkg-a-1/x"), nil) }, []string{"registry-stray"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			tree := filepath.Join(t.TempDir(), "tree")
			opts := Options{Tree: tree, Key: key}
			add(t, opts, dist(t, key, "a", "v1.0.0"), dist(t, key, "a", "v1.1.0"), dist(t, key, "c", "v1.0.0-rc.1"))
			test.change(t, tree)
			rules, findings := look(t, tree, CheckOptions{Trust: trust(key)})
			// Files that lost what named them are strays beside what else is told.
			rules = slices.DeleteFunc(rules, func(r string) bool { return r == "registry-stray" && !slices.Contains(test.want, r) })
			raised = append(raised, findings...)
			if !slices.Equal(rules, test.want) {
				t.Errorf("%q; want %q\n%v", rules, test.want, findings)
			}
			server := httptest.NewTLSServer(Handler(tree))
			defer server.Close()
			authority := filepath.Join(t.TempDir(), "authority.pem")
			os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600)
			ctx := access.With(t.Context(), &access.Access{CAFile: authority})
			want := test.want
			switch {
			case test.folder:
				want = nil
			case strings.HasPrefix(name, "index gone"), strings.HasPrefix(name, "index, no JSON"): // which alone tells what there is
				want = slices.DeleteFunc(slices.Clone(want), func(r string) bool { return r == "registry-stale" })
			}
			if rules, findings := lookBy(t, ctx, server.URL, CheckOptions{Trust: trust(key)}); !slices.Equal(rules, want) {
				t.Errorf("through a server: %q; want %q\n%v", rules, want, findings)
			}
		})
	}
	raised = append(raised, seenFindings(t)...)
	findingtest.Raised(t, slices.Concat(Rules, release.TrustRules), raised)
	findingtest.Documented(t, Rules, "../docs/registry.md", *update)
}

// seenFindings are those about a tree that was seen before.
func seenFindings(t *testing.T) (raised []finding.Finding) {
	t.Helper()
	key := newKey(t, "acme")
	state := filepath.Join(t.TempDir(), "state", "seen.json")
	trees := map[string]string{}
	one, two, three := dist(t, key, "a", "v1.0.0"), dist(t, key, "a", "v1.1.0"), dist(t, key, "a", "v1.2.0")
	for name, dists := range map[string][]string{"old": {one}, "now": {one, two}, "gone": {one, three}} {
		trees[name] = filepath.Join(t.TempDir(), "tree")
		add(t, Options{Tree: trees[name], Key: key}, dists...)
	}
	see := func(tree string, want ...string) {
		t.Helper()
		rules, findings := look(t, tree, CheckOptions{Trust: trust(key), SeenFile: state})
		raised = append(raised, findings...)
		if !slices.Equal(rules, want) {
			t.Errorf("%q; want %q\n%v", rules, want, findings)
		}
	}
	see(trees["now"])
	see(trees["old"], "registry-older")
	see(trees["gone"], "registry-older")
	see(trees["now"]) // which an error does not make forget
	other := filepath.Join(t.TempDir(), "tree")
	two = dist(t, key, "a", "v1.1.0")
	resigned(t, key, filepath.Join(two, "NOTES.md"), []byte("other"))
	add(t, Options{Tree: other, Key: key}, one, two)
	see(other, "registry-changed")
	if _, err := Withdraw(t.Context(), "a", "v1.1.0", "x", Options{Tree: trees["now"], Key: key}); err != nil {
		t.Fatal(err)
	}
	see(trees["now"]) // older, and told so
	see(other, "registry-changed", "registry-older")
	var seen map[string]any
	if err := json.Unmarshal(get(t, state), &seen); err != nil {
		t.Error(err)
	}
	// Over http, which clients refuse.
	server := httptest.NewServer(http.FileServer(http.Dir(trees["now"])))
	defer server.Close()
	rules, findings := look(t, server.URL, CheckOptions{Trust: trust(key)})
	if !slices.Equal(rules, []string{"registry-http"}) {
		t.Errorf("%q", rules)
	}
	_, unsigned := look(t, trees["now"], CheckOptions{}) // nothing to judge signatures by
	if len(unsigned) > 0 {
		t.Errorf("without a key: %v", unsigned)
	}
	return append(raised, findings...)
}

// TestInterrupted stops a run at each of its steps, by what it has done until then, and has the next one do the rest.
func TestInterrupted(t *testing.T) {
	key := newKey(t, "acme")
	opts := Options{Tree: filepath.Join(t.TempDir(), "tree"), Key: key}
	add(t, opts, dist(t, key, "a", "v1.0.0"))
	tr, err := openTree(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Add(t.Context(), nil, opts); err == nil || !strings.Contains(err.Error(), "another run is changing") {
		t.Errorf("two at once: %v", err)
	}
	in, err := readDist(t.Context(), dist(t, key, "a", "v1.1.0"), tr.trust)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tr.take(in); err != nil {
		t.Fatal(err)
	}
	c := tr.integrations["a"]
	if err := errors.Join(tr.build(t.Context(), c), tr.writeJournal([]string{"a"})); err != nil {
		t.Fatal(err)
	}
	// The folder is made and has not its name.
	if got := offers(readTree(t, opts.Tree, IndexName)); !slices.Equal(got, []string{"a@v1.0.0"}) {
		t.Errorf("%q", got)
	}
	if err := tr.settle(c.folder, tr.at(integrationDir("a"))); err != nil {
		t.Fatal(err)
	}
	tr.close()
	// It has its name, and the index does not know: a check says so, and the next run mends it.
	if rules, findings := look(t, opts.Tree, CheckOptions{Trust: trust(key)}); !slices.Contains(rules, "registry-stale") {
		t.Errorf("%v", findings)
	}
	add(t, opts)
	if got := offers(readTree(t, opts.Tree, IndexName)); !slices.Equal(got, []string{"a@v1.1.0"}) {
		t.Errorf("%q", got)
	}
	sound(t, opts.Tree, key)
}

// One release that comes in has nothing of others read: they may even be damaged.
func TestIncremental(t *testing.T) {
	key := newKey(t, "acme")
	opts := Options{Tree: filepath.Join(t.TempDir(), "tree"), Key: key}
	add(t, opts, dist(t, key, "a", "v1.0.0"), dist(t, key, "b", "v1.0.0"))
	for _, name := range []string{"versions.json", "a_v1.0.0_linux_amd64.ptar", "recipe.yaml"} {
		if err := os.Chmod(filepath.Join(opts.Tree, "community/v1.1.0/a", name), 0); err != nil {
			t.Fatal(err)
		}
		os.Remove(filepath.Join(opts.Tree, "community/v1.1.0/a", name))
	}
	add(t, opts, dist(t, key, "b", "v1.1.0"))
	if got := offers(readTree(t, opts.Tree, IndexName)); !slices.Equal(got, []string{"a@v1.0.0", "b@v1.1.0"}) {
		t.Errorf("%q", got)
	}
}
