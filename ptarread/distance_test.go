package ptarread_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
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

// TestRequests counts what it takes to open an archive of 100,000 files on a web server and to list folders of it: over a network a
// request costs more than a few more bytes.
func TestRequests(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	file := filepath.Join(t.TempDir(), "archive.ptar")
	writeMany(t, file, 100_000, func(i int) string {
		if i%2 == 0 {
			return fmt.Sprintf("/all/%d", i)
		}
		return fmt.Sprintf("/%d/%d", i/200, i)
	})
	var requests, sent atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		http.ServeFile(counting{w, &sent}, r, file)
	}))
	defer server.Close()
	for _, test := range []struct {
		folder  string
		entries int
		most    int64 // requests
	}{{"/", 501, 12}, {"/all", 50_000, 12}} {
		requests.Store(0)
		sent.Store(0)
		archive, err := ptarread.OpenArchive(t.Context(), server.URL+"/archive.ptar", ptarread.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer archive.Close()
		opened := requests.Load()
		snapshot, err := archive.Snapshot(t.Context(), archive.Snapshots()[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		if err := snapshot.Folder(t.Context(), test.folder, "", func(string, *vfs.Entry) error { found++; return nil }); err != nil {
			t.Fatal(err)
		}
		if found != test.entries || requests.Load() > test.most {
			t.Errorf("%s: %d entries, not %d, in %d requests (%d to open it), at most %d are due",
				test.folder, found, test.entries, requests.Load(), opened, test.most)
		}
		t.Logf("%s: %d requests, %d to open it, %d MiB", test.folder, requests.Load(), opened, sent.Load()>>20)
	}
}

type counting struct {
	http.ResponseWriter
	sent *atomic.Int64
}

func (c counting) Write(p []byte) (int, error) {
	c.sent.Add(int64(len(p)))
	return c.ResponseWriter.Write(p)
}

// writeMany writes an archive of small files.
func writeMany(t *testing.T, file string, count int, name func(i int) string) {
	t.Helper()
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	opts := ptarbuild.ArchiveOptions{Source: header.Importer{Type: "fs", Directory: "/"}, TempDir: t.TempDir()}
	_, err = ptarbuild.WriteArchive(t.Context(), out, opts, func(a *ptarbuild.Archive) error {
		for i := range count {
			content := fmt.Sprintf("content of file %d", i)
			_, err := a.Record(context.Background(), &connectors.Record{
				Pathname: name(i), Reader: io.NopCloser(bytes.NewReader([]byte(content))),
				FileInfo: objects.FileInfo{Lname: filepath.Base(name(i)), Lsize: int64(len(content)), Lmode: fs.FileMode(0o644), LmodTime: time.Unix(int64(i), 0)},
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
