package inspect_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/finding/findingtest"
	"github.com/PlakarKorp/kpkg/inspect"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

var update = flag.Bool("update", false, "rewrite the rules in the documentation")

var files = []ptartest.File{
	{Path: "a.txt", Mode: 0o640, Content: []byte("hello")},
	{Path: "docs/deep/x", Mode: 0o755, Content: bytes.Repeat([]byte("noise"), 1000)},
	{Path: "docs/link", Mode: fs.ModeSymlink | 0o777, Target: "x"},
	{Path: "secret", Err: errors.New("permission denied")},
}

func write(t *testing.T, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "data.ptar")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func open(t *testing.T, data []byte, id string) *inspect.Opened {
	t.Helper()
	o, err := inspect.OpenSnapshot(t.Context(), write(t, data), id, ptarread.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

func list(t *testing.T, o *inspect.Opened, opts inspect.ListOptions) (string, inspect.Listed) {
	t.Helper()
	var paths []string
	listed, err := inspect.List(t.Context(), o.Snapshot, opts, func(e inspect.Entry) error {
		paths = append(paths, e.Path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(paths, " "), listed
}

// TestRules raises every rule of this package, and holds the documentation to the table.
func TestRules(t *testing.T) {
	o := open(t, ptartest.Upstream(t, files, nil), "")
	_, listed := list(t, o, inspect.ListOptions{Patterns: []string{"nothing", "."}})
	report := inspect.ListReport("data.ptar", o.Snapshot, new(inspect.Entries), listed, nil)
	if !report.Failed {
		t.Error("a list that lacks something is complete")
	}
	raised := report.Findings

	f := ptartest.NewForgery(t, "", files[:2])
	data := f.Bytes()
	data[bytes.Index(data, []byte("hello"))] ^= 1
	damaged := inspect.Check(t.Context(), write(t, data), ptarread.Options{})
	noPtar := inspect.Check(t.Context(), write(t, []byte("hello")), ptarread.Options{})
	checked := inspect.CheckReport("check", []inspect.Checked{damaged, noPtar})
	if checked.Failed {
		t.Error("damage is no failure to read")
	}
	placed := slices.ContainsFunc(checked.Findings, func(f finding.Finding) bool {
		return strings.Contains(f.Message, "at byte") && strings.Contains(f.Message, "a.txt")
	})
	if !placed {
		t.Errorf("damage is not placed: %+v", checked.Findings)
	}
	findingtest.Raised(t, inspect.Rules, append(append([]finding.Finding{}, raised...), checked.Findings...))
	findingtest.Documented(t, inspect.Rules, "../docs/inspect.md", *update)
}

func TestList(t *testing.T) {
	o := open(t, ptartest.Upstream(t, files, nil), "")
	for _, one := range []struct {
		opts inspect.ListOptions
		want string
	}{
		{inspect.ListOptions{}, "a.txt docs"},
		{inspect.ListOptions{Recursive: true}, "a.txt docs docs/deep docs/deep/x docs/link"},
		{inspect.ListOptions{Patterns: []string{"docs"}}, "docs/deep docs/link"},
		{inspect.ListOptions{Patterns: []string{"/docs/", "docs/link"}}, "docs/deep docs/link"},
		{inspect.ListOptions{Patterns: []string{"**/x", "*.txt"}}, "a.txt docs/deep/x"},
	} {
		if got, listed := list(t, o, one.opts); got != one.want || listed.Failed > 0 {
			t.Errorf("%+v: %s, not %s", one.opts, got, one.want)
		}
	}
	if _, listed := list(t, o, inspect.ListOptions{}); listed.Missing != 1 || listed.MissingOnes[0].Path != "/secret" {
		t.Errorf("%+v", listed)
	}
}

// Of several snapshots one has to be named, and each is itself.
func TestSnapshots(t *testing.T) {
	archive := ptartest.Archive{Type: "fs", Snapshots: [][][]ptartest.File{{files[:1]}, {files[1:2]}}}
	data := archive.Bytes(t)
	name := write(t, data)
	_, err := inspect.OpenSnapshot(t.Context(), name, "", ptarread.Options{})
	several := (*inspect.SeveralError)(nil)
	if !errors.As(err, &several) || len(several.Snapshots) != 2 || !strings.Contains(err.Error(), several.Snapshots[0].ID[:8]) {
		t.Fatal(err)
	}
	if got, _ := list(t, open(t, data, "latest"), inspect.ListOptions{Recursive: true}); got != "docs docs/deep docs/deep/x" {
		t.Error(got)
	}
	if got, _ := list(t, open(t, data, several.Snapshots[0].ID[:10]), inspect.ListOptions{}); got != "a.txt" {
		t.Error(got)
	}
	p, err := inspect.File(t.Context(), name, inspect.Options{Tree: true})
	if err != nil || len(p.Snapshots) != 2 || p.Package != nil || len(p.Tree) != 1 || p.Tree[0].Name != "docs" || p.Tree[0].Bytes != 5000 {
		t.Errorf("%v, %+v", err, p)
	}
}

func TestEncrypted(t *testing.T) {
	archive := ptartest.Archive{Type: "fs", Passphrase: "open", Snapshots: [][][]ptartest.File{{files[:2]}}}
	name := write(t, archive.Bytes(t))
	words := func(given string) ptarread.Options {
		return ptarread.Options{Passphrase: func(context.Context) ([]byte, error) { return []byte(given), nil }}
	}
	o, err := inspect.OpenSnapshot(t.Context(), name, "", words("open"))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	var out bytes.Buffer
	if err := inspect.Cat(t.Context(), o.Snapshot, "/a.txt", &out); err != nil || out.String() != "hello" {
		t.Errorf("%v, %q", err, out.String())
	}
	for _, path := range []string{"docs", "nothing"} {
		if err := inspect.Cat(t.Context(), o.Snapshot, path, &out); err == nil {
			t.Errorf("%s was printed", path)
		}
	}
	if _, err := inspect.OpenSnapshot(t.Context(), name, "", words("wrong")); err == nil || !strings.Contains(err.Error(), "passphrase") {
		t.Error(err)
	}
	if c := inspect.Check(t.Context(), name, words("open")); c.Err != nil || len(c.Problems) > 0 {
		t.Errorf("%+v", c)
	}
}
