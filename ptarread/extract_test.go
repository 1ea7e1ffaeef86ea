package ptarread_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/google/go-cmp/cmp"

	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

// tree is what a folder holds: contents of files by path, modes of all.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		content := ""
		if e.Type().IsRegular() {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				return err
			}
			content = string(data)
		}
		found[name] = info.Mode().String() + " " + content
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestExtract(t *testing.T) {
	for name, data := range packages(t) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := open(t, data).Extract(context.Background(), dir); err != nil {
				t.Fatal(err)
			}
			want := map[string]string{}
			for _, f := range sample() {
				want[f.Path] = f.Mode.String() + " " + string(f.Content)
				if d := filepath.Dir(f.Path); d != "." {
					want[d] = tree(t, dir)[d] // upstream's and kpkg's permissions differ
				}
			}
			if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestExtractRefuses holds that what cannot be extracted as it is leaves nothing behind.
func TestExtractRefuses(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	for _, test := range []struct {
		name, want string
		forge      func(*forgery)
	}{
		{"symbolic link", "only plain files", func(f *forgery) {
			f.Add(ptartest.File{Path: "zlink", Mode: 0o777 | fs.ModeSymlink, Target: "/etc/passwd"})
		}},
		{"device", "only plain files", func(f *forgery) {
			f.Entries = append(f.Entries, ptartest.NewEntry("/zdevice", 0o666|fs.ModeDevice|fs.ModeCharDevice))
		}},
		{"setuid", "only plain files", func(f *forgery) {
			f.Add(ptartest.File{Path: "zsetuid", Mode: 0o755 | fs.ModeSetuid, Content: []byte("#!")})
		}},
		{"content of another MAC", "does not match the MAC of its content", func(f *forgery) {
			object := objects.NewObject()
			chunk := objects.NewChunk()
			chunk.ContentMAC, chunk.Length = f.Put(resources.RT_CHUNK, []byte("content")), 7
			object.Chunks = []objects.Chunk{*chunk}
			e := f.Add(ptartest.File{Path: "zcontent", Mode: 0o644})
			e.Object, e.FileInfo.Lsize = f.PutValue(resources.RT_OBJECT, object), 7
		}},
		{"chunk of another length", "bytes long where 8 are expected", func(f *forgery) {
			object := objects.NewObject()
			chunk := objects.NewChunk()
			chunk.ContentMAC, chunk.Length = f.Put(resources.RT_CHUNK, []byte("content")), 8
			object.Chunks = []objects.Chunk{*chunk}
			e := f.Add(ptartest.File{Path: "zcontent", Mode: 0o644})
			e.Object, e.FileInfo.Lsize = f.PutValue(resources.RT_OBJECT, object), 8
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := ptartest.NewForgery(t, "LZ4", small())
			test.forge(f)
			dir := t.TempDir()
			err := open(t, f.Bytes()).Extract(context.Background(), dir)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, not %s", err, test.want)
			}
			if left := tree(t, dir); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestExtractOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "manifest.yaml"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := open(t, ptartest.Kpkg(t, small())).Extract(context.Background(), dir)
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v, not that the file exists", err)
	}
	if diff := cmp.Diff(map[string]string{"manifest.yaml": "-rw------- mine"}, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestExtractInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dir := t.TempDir()
	if err := open(t, ptartest.Kpkg(t, sample())).Extract(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, not that the context ended", err)
	}
	if left := tree(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
