package pack

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/snapshot/header"
	"github.com/PlakarKorp/kloset/snapshot/vfs"

	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// TestNames packs trees in which the names of folders begin with those of others, and go on with what sorts before and after a slash;
// some of the folders nobody has described. All that was packed is there once, and in its order.
func TestNames(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	random := rand.New(rand.NewPCG(1, 2))
	parts := []string{"a", "a-b", "a.d", "a b", "a!", "a0", "aa", "b", "a-", "ab"}
	for range 100 {
		want := map[string]bool{"/": true} // whether it is a folder
		for range 1 + random.IntN(150) {
			name := "/"
			for range 1 + random.IntN(4) {
				if folder, known := want[name]; known && !folder {
					break
				}
				want[name] = true
				name = path.Join(name, parts[random.IntN(len(parts))])
			}
			if _, known := want[name]; !known {
				want[name] = false
			}
		}
		names := slices.Collect(maps.Keys(want))
		random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		var out bytes.Buffer
		opts := ptarbuild.ArchiveOptions{Source: header.Importer{Type: "fs", Directory: "/"}, TempDir: t.TempDir()}
		_, err := ptarbuild.WriteArchive(t.Context(), &out, opts, func(a *ptarbuild.Archive) error {
			for _, name := range names {
				r := &connectors.Record{Pathname: name, FileInfo: objects.FileInfo{Lname: path.Base(name), LmodTime: time.Unix(1, 0)}}
				if r.FileInfo.Lmode = 0o644; want[name] {
					if random.IntN(4) == 0 {
						continue
					}
					r.FileInfo.Lmode = fs.ModeDir | 0o755
				} else {
					r.Reader = io.NopCloser(strings.NewReader(name))
				}
				if _, err := a.Record(t.Context(), r); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		archive, err := ptarread.NewArchive(t.Context(), bytes.NewReader(out.Bytes()), int64(out.Len()), ptarread.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, problems, err := archive.Check(t.Context()); err != nil || len(problems) > 0 {
			t.Fatalf("%v, %v of %q", problems, err, names)
		}
		snapshot, err := archive.Snapshot(t.Context(), archive.Snapshots()[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for name, folder := range want {
			if !folder {
				continue
			}
			err := snapshot.Folder(t.Context(), name, "", func(name string, e *vfs.Entry) error {
				got[name] = e.IsDir()
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		delete(want, "/")
		if !maps.Equal(got, want) {
			t.Fatalf("packed %v, listed %v", want, got)
		}
	}
}
