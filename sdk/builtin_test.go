package sdk

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/exporter"
	"github.com/PlakarKorp/kloset/connectors/importer"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/objects"
)

// read is what a host made of an import: a record of every entry, and the content of the files.
type read struct {
	mu      sync.Mutex
	records map[string]*connectors.Record
	content map[string][]byte
	errors  map[string]error
	sent    int
}

// readAll imports as kloset does: a few workers read the records and acknowledge each.
func readAll(ctx context.Context, imp importer.Importer) (*read, error) {
	all := &read{
		records: make(map[string]*connectors.Record),
		content: make(map[string][]byte),
		errors:  make(map[string]error),
	}
	records := make(chan *connectors.Record, hostOptions.MaxConcurrency)
	results := make(chan *connectors.Result, hostOptions.MaxConcurrency)
	var workers sync.WaitGroup
	for range hostOptions.MaxConcurrency {
		workers.Go(func() {
			for r := range records {
				all.take(r)
				results <- r.Ok()
			}
		})
	}
	go func() {
		workers.Wait()
		close(results)
	}()
	err := imp.Import(ctx, records, results)
	for range results {
	}
	return all, err
}

func (all *read) take(r *connectors.Record) {
	var content []byte
	err := r.Err
	if err == nil && (r.IsXattr || r.FileInfo.Lmode.IsRegular()) {
		content, err = io.ReadAll(r.Reader)
	}
	name := r.Pathname
	if r.IsXattr {
		name += ":" + r.XattrName
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	all.sent++
	all.records[name] = r
	if err != nil {
		all.errors[name] = err
	} else if content != nil {
		all.content[name] = content
	}
}

// tree makes a few folders with files of many sizes, a link, and odd modes and names.
func tree(t *testing.T) (root string, content map[string][]byte) {
	t.Helper()
	root = t.TempDir()
	content = make(map[string][]byte)
	for i, size := range []int{0, 1, 100, 4096, 65536, chunkSize - 1, chunkSize, chunkSize + 1, 5 << 20} {
		data := make([]byte, size)
		rand.Read(data)
		dir := filepath.Join(root, fmt.Sprintf("dir %d", i%3))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, fmt.Sprintf("fichier é %d", size))
		if err := os.WriteFile(path, data, 0o640); err != nil {
			t.Fatal(err)
		}
		content[path] = data
	}
	if err := os.Symlink("nowhere", filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	return root, content
}

func TestBuiltinImporter(t *testing.T) {
	root, content := tree(t)
	for _, connector := range []string{"fs importer", "fs"} {
		t.Run(connector, func(t *testing.T) {
			cmd := command(connector)
			if connector == "fs" {
				cmd.Args = append(cmd.Args, "importer")
			}
			p := execute(t, cmd)
			imp := p.importer(t, "fis", map[string]string{"location": "fis://" + root})
			if imp.Root() != root || imp.Type() != "fs" || imp.Origin() != "host" {
				t.Errorf("root %q, type %q, origin %q", imp.Root(), imp.Type(), imp.Origin())
			}
			if err := imp.Ping(t.Context()); err != nil {
				t.Error(err)
			}
			for range 2 {
				all, err := readAll(t.Context(), imp)
				if err != nil {
					t.Fatal(err)
				}
				if len(all.errors) > 0 {
					t.Error(all.errors)
				}
				for path, want := range content {
					if !bytes.Equal(all.content[path], want) {
						t.Errorf("%s: %d bytes, want %d", path, len(all.content[path]), len(want))
					}
				}
				if len(all.content) != len(content) {
					t.Errorf("%d files, want %d", len(all.content), len(content))
				}
				if link := all.records[root+"/link"]; link == nil || link.FileInfo.Lmode.Type() != fs.ModeSymlink {
					t.Errorf("link is %+v", link)
				}
			}
			if err := imp.Close(t.Context()); err != nil {
				t.Error(err)
			}
			p.end(t)
		})
	}
}

// export sends a record for everything below root, and returns the results by path.
func export(ctx context.Context, exp exporter.Exporter, root string) (map[string]error, error) {
	records := make(chan *connectors.Record)
	results := make(chan *connectors.Result)
	go func() {
		defer close(records)
		filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			info, _ := d.Info()
			name := path[len(root):]
			target, _ := os.Readlink(path)
			if name != "" {
				fi := objects.FileInfo{
					Lname: d.Name(), Lsize: info.Size(), Lmode: info.Mode(), LmodTime: info.ModTime(), Lnlink: 1,
				}
				records <- connectors.NewRecord(name, target, fi, nil, func() (io.ReadCloser, error) {
					return os.Open(path)
				})
			}
			return nil
		})
	}()
	outcomes := make(map[string]error)
	collected := make(chan struct{})
	go func() {
		defer close(collected)
		for result := range results {
			outcomes[result.Record.Pathname] = result.Err
		}
	}()
	err := exp.Export(ctx, records, results)
	<-collected
	return outcomes, err
}

func TestBuiltinExporter(t *testing.T) {
	root, content := tree(t)
	target := t.TempDir()
	p := execute(t, command("fs exporter"))
	exp := p.exporter(t, "fis", map[string]string{"location": "fis://" + target})
	results, err := export(t.Context(), exp, root)
	if err != nil {
		t.Fatal(err)
	}
	for path, err := range results {
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for path, want := range content {
		restored := target + path[len(root):]
		got, err := os.ReadFile(restored)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, want %d, %v", restored, len(got), len(want), err)
		}
	}
	if got, err := os.Readlink(target + "/link"); got != "nowhere" {
		t.Error(got, err)
	}
	if err := exp.Close(t.Context()); err != nil {
		t.Error(err)
	}
	p.end(t)
}

func TestBuiltinStorage(t *testing.T) {
	config := map[string]string{"location": "fis://" + filepath.Join(t.TempDir(), "store")}
	p := execute(t, command("fs storage"))
	ctx := t.Context()
	store := p.storage(t, "fis", config)
	if err := store.Create(ctx, []byte("configuration")); err != nil {
		t.Fatal(err)
	}
	if got, err := store.Open(ctx); string(got) != "configuration" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if mode, err := store.Mode(ctx); mode != storage.ModeRead|storage.ModeWrite || err != nil {
		t.Error(mode, err)
	}
	if _, err := store.Size(ctx); err != nil {
		t.Error(err)
	}
	want := map[objects.MAC][]byte{}
	for _, size := range []int{0, 1, 4096, 1 << 20, 9 << 20} {
		mac, data := objects.RandomMAC(), make([]byte, size)
		rand.Read(data)
		want[mac] = data
		if n, err := store.Put(ctx, storage.StorageResourcePackfile, mac, bytes.NewReader(data)); n != int64(size) || err != nil {
			t.Fatal(n, err)
		}
	}
	macs, err := store.List(ctx, storage.StorageResourcePackfile)
	if len(macs) != len(want) || err != nil {
		t.Error(macs, err)
	}
	for mac, data := range want {
		if got, err := get(ctx, store, mac, nil); !bytes.Equal(got, data) || err != nil {
			t.Errorf("%d bytes, want %d, %v", len(got), len(data), err)
		}
		if len(data) > 1000 {
			got, err := get(ctx, store, mac, &storage.Range{Offset: 10, Length: 900})
			if !bytes.Equal(got, data[10:910]) || err != nil {
				t.Errorf("range has %d bytes, %v", len(got), err)
			}
		}
		if err := store.Delete(ctx, storage.StorageResourcePackfile, mac); err != nil {
			t.Error(err)
		}
		if _, err := get(ctx, store, mac, nil); err == nil {
			t.Error("a deleted object is still there")
		}
	}
	if err := store.Close(ctx); err != nil {
		t.Error(err)
	}
	p.end(t)
}

func get(ctx context.Context, store storage.Store, mac objects.MAC, part *storage.Range) ([]byte, error) {
	reader, err := store.Get(ctx, storage.StorageResourcePackfile, mac, part)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(reader)
	return data, errors.Join(err, reader.Close())
}
