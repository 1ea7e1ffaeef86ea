package serve

import (
	"archive/zip"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/pack"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// TestURL serves an archive that is on another web server, of which parts are fetched as they are needed, until it changes there.
func TestURL(t *testing.T) {
	source, file := t.TempDir(), filepath.Join(t.TempDir(), "a.ptar")
	noise := make([]byte, 8<<20)
	rand.NewChaCha8([32]byte{}).Read(noise)
	for name, content := range map[string]string{"small.txt": "hello\n", "folder/large.bin": string(noise)} {
		path := filepath.Join(source, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pack.Write(t.Context(), out, pack.Options{Paths: []string{source}}); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	var whole, sent atomic.Int64
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Range"), "bytes=") {
			whole.Add(1)
		}
		http.ServeFile(counted{w, &sent}, r, file)
	}))
	defer origin.Close()
	archive, err := ptarread.OpenArchive(t.Context(), origin.URL+"/a.ptar", ptarread.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	server := httptest.NewServer(New(Options{Archive: archive, Name: "a.ptar", Token: token, TempDir: t.TempDir()}))
	defer server.Close()
	address := server.URL + "/" + token + "/"

	if _, page := get(t, in(address, "tree", "")); !strings.Contains(page, "small.txt") {
		t.Errorf("the folder: %s", page)
	}
	if _, page := get(t, in(address, "tree", "small.txt")); !strings.Contains(page, "hello") {
		t.Errorf("the preview: %s", page)
	}
	if n := sent.Load(); n > 2<<20 {
		t.Errorf("a folder and a small file took %d bytes of the archive's %d", n, len(noise))
	}
	large := in(address, "raw", "folder/large.bin")
	part, err := http.NewRequestWithContext(t.Context(), http.MethodGet, large, nil)
	if err != nil {
		t.Fatal(err)
	}
	part.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", 7<<20, 7<<20+99))
	response, err := http.DefaultClient.Do(part)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if data, err := io.ReadAll(response.Body); err != nil || string(data) != string(noise[7<<20:7<<20+100]) {
		t.Errorf("a part: %s, %d bytes, %v", response.Status, len(data), err)
	}
	if _, body := get(t, large); body != string(noise) {
		t.Errorf("the large file has %d other bytes", len(body))
	}
	_, zipped := get(t, in(address, "zip", ""))
	files, err := zip.NewReader(strings.NewReader(zipped), int64(len(zipped)))
	if err != nil || len(files.File) < 2 {
		t.Errorf("as zip: %v", err)
	}
	if n := whole.Load(); n > 0 {
		t.Errorf("%d requests were for all of it", n)
	}

	// Another archive in its place, in an archive that was opened anew: nothing is kept yet.
	changed, err := ptarread.OpenArchive(t.Context(), origin.URL+"/a.ptar", ptarread.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer changed.Close()
	server.Config.Handler = New(Options{Archive: changed, Name: "a.ptar", Token: token, TempDir: t.TempDir()})
	if err := os.Chtimes(file, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{large, in(address, "zip", "")} {
		response, err := http.Get(address)
		if err != nil {
			continue // the connection ends before the first byte
		}
		defer response.Body.Close()
		if n, err := io.Copy(io.Discard, response.Body); err == nil && response.StatusCode == http.StatusOK {
			t.Errorf("%s: %d bytes are sent of an archive that has changed, as if they were all", address, n)
		}
	}
}

type counted struct {
	http.ResponseWriter
	sent *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	c.sent.Add(int64(len(p)))
	return c.ResponseWriter.Write(p)
}
