package try

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kloset/btree"
	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/exporter"
	"github.com/PlakarKorp/kloset/location"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/header"
	"github.com/PlakarKorp/kloset/snapshot/vfs"

	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

// receiver is an exporter that keeps what it gets, in the order in which it comes.
type receiver struct {
	exporter.Exporter
	flags location.Flags
	got   []string
}

func (r *receiver) Flags() location.Flags { return r.flags }

func (r *receiver) Export(
	_ context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result,
) error {
	defer close(results)
	for record := range records {
		line := record.Pathname
		switch {
		case record.IsXattr:
			value, err := io.ReadAll(record.Reader)
			line += fmt.Sprintf(" %s=%s %v", record.XattrName, value, err)
		case record.FileInfo.Mode().IsRegular():
			content, err := io.ReadAll(record.Reader)
			line += fmt.Sprintf(": %s %v", content, err)
		case record.Target != "":
			line += " -> " + record.Target
		}
		r.got = append(r.got, line)
		results <- record.Ok()
	}
	return nil
}

// mixed is a data file of all that there is, whose source began at root.
func mixed(t *testing.T, root string) string {
	t.Helper()
	f := ptartest.NewForgery(t, "LZ4", []ptartest.File{
		{Path: "source/a", Mode: 0o644, Content: []byte("of a")},
		{Path: "source/folder/b", Mode: 0o644, Content: []byte("of b")},
		{Path: "source/link", Mode: fs.ModeSymlink | 0o777, Target: "a"},
		{Path: "source/pipe", Mode: fs.ModeNamedPipe | 0o644},
		{Path: "source/disk", Mode: fs.ModeDevice | 0o644},
		{Path: "source/talk", Mode: fs.ModeSocket | 0o644},
		{Path: "sources", Mode: 0o644, Content: []byte("beside")},
	})
	f.Header = func(h *header.Header) {
		h.Sources[0].Importer = header.Importer{Type: "fs", Directory: root}
		tree := func(root, node, entry resources.Type, values map[string]any) objects.MAC {
			leaf := &btree.Node[string, objects.MAC, objects.MAC]{}
			for _, key := range slices.SortedFunc(maps.Keys(values), vfs.PathCmp) {
				leaf.Keys, leaf.Values = append(leaf.Keys, key), append(leaf.Values, f.PutValue(entry, values[key]))
			}
			return f.PutTree(root, node, leaf)
		}
		attributes := map[string]any{}
		for _, path := range []string{"/source/a", "/source/folder", "/sources"} {
			x := &vfs.Xattr{Path: path, Name: "user.x", Type: objects.AttributeExtended, Object: f.PutObject([]byte("x of " + path))}
			attributes[x.ToPath()] = x
		}
		h.Sources[0].VFS.Xattrs = tree(resources.RT_XATTR_BTREE, resources.RT_XATTR_NODE, resources.RT_XATTR_ENTRY, attributes)
		h.Sources[0].VFS.Errors = tree(resources.RT_ERROR_BTREE, resources.RT_ERROR_NODE, resources.RT_ERROR_ENTRY, map[string]any{
			"/source/denied": vfs.NewErrorItem("/source/denied", "permission denied"),
			"/source/long":   vfs.NewErrorItem("/source/long", strings.Repeat("so long ", 10_000)),
		})
	}
	path := filepath.Join(t.TempDir(), "data.ptar")
	if err := os.WriteFile(path, f.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestExport holds what an exporter gets of a data file, and that nothing of what it does not get goes unsaid.
func TestExport(t *testing.T) {
	lacks := []string{"/source/denied: it is not in the data file: permission denied", "/source/long: it is not in the data file: so long"}
	special := []string{"/disk: it is a device", "/pipe: it is a pipe", "/talk: it is a socket"}
	for _, test := range []struct {
		name   string
		root   string
		flags  location.Flags
		want   []string
		failed []string
		left   int
	}{
		{"with attributes", "/source", location.FLAG_EXPORTXATTR, []string{
			"/", "/a: of a <nil>", "/folder", "/folder/b: of b <nil>", "/link -> a",
			"/a user.x=x of /source/a <nil>", "/folder user.x=x of /source/folder <nil>",
		}, slices.Concat(special, lacks), 0},
		{"without attributes", "/source", 0, []string{
			"/", "/a: of a <nil>", "/folder", "/folder/b: of b <nil>", "/link -> a",
		}, slices.Concat(special, lacks), 2},
		{"a file", "/source/a", location.FLAG_EXPORTXATTR, []string{
			"/", "/a: of a <nil>", "/a user.x=x of /source/a <nil>",
		}, slices.Clone(lacks), 0},
		{"everything", "/", 0, []string{
			"/", "/source", "/source/a: of a <nil>", "/source/folder", "/source/folder/b: of b <nil>", "/source/link -> a", "/sources: beside <nil>",
		}, []string{
			lacks[0], "/source/disk: it is a device", lacks[1], "/source/pipe: it is a pipe", "/source/talk: it is a socket",
		}, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &receiver{flags: test.flags}
			result, err := restore(t, mixed(t, test.root), func(*connectors.Options) exporter.Exporter { return r })
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(r.got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(r.got, "\n"), strings.Join(test.want, "\n"))
			}
			if result.Failed != len(test.failed) || result.AttributesLeft != test.left {
				t.Errorf("%d failed and %d attributes are left, want %d and %d", result.Failed, result.AttributesLeft, len(test.failed), test.left)
			}
			slices.Sort(test.failed)
			for i, f := range result.Failures {
				if got := f.Path + ": " + f.Error; i < len(test.failed) && !strings.HasPrefix(got, test.failed[i]) || len(got) > 1200 {
					t.Errorf("failure %.300s, want %s", got, test.failed[i])
				}
			}
		})
	}
}

// TestListTellsWhatIsMissing holds that a listing has every entry, and the failures cut to a length.
func TestListTellsWhatIsMissing(t *testing.T) {
	var paths []string
	contents, err := List(t.Context(), mixed(t, "/source"), "", nil, func(e Entry) error { paths = append(paths, e.Path); return nil })
	if err != nil {
		t.Fatal(err)
	}
	want := "[/ /source /source/a /source/disk /source/folder /source/folder/b /source/link /source/pipe /source/talk /sources]"
	if got := fmt.Sprint(paths); got != want {
		t.Errorf("listed %s, want %s", got, want)
	}
	if contents.Type != "fs" || contents.Root != "/source" || len(contents.Failures) != 2 || len(contents.Failures[1].Error) > 1100 {
		t.Errorf("contents: %+.300v", contents)
	}
	stop := errors.New("stop")
	if _, err := List(t.Context(), mixed(t, "/source"), "", nil, func(Entry) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error %v, want %v", err, stop)
	}
}

// TestNothingToRestore holds that a data file whose root is missing is refused before anything is run.
func TestNothingToRestore(t *testing.T) {
	_, err := Restore(t.Context(), Options{Package: "missing.ptar", Data: mixed(t, "/elsewhere")})
	if err == nil || !strings.Contains(err.Error(), `"/elsewhere" is not in it`) {
		t.Errorf("error %v", err)
	}
}
