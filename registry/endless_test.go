package registry

import (
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/release"
)

// endless serves a tree, but the files whose names end in extension, which have no end. It counts what it sends of these.
type endless struct {
	http.Handler
	extension string
	sent      atomic.Int64
}

func (e *endless) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if !strings.HasSuffix(path.Base(q.URL.Path), e.extension) {
		e.Handler.ServeHTTP(w, q)
		return
	}
	for block := make([]byte, 1<<20); e.sent.Load() < 1<<30; {
		n, err := w.Write(block)
		if e.sent.Add(int64(n)); err != nil {
			return
		}
	}
}

// TestEndlessFiles has a server send a file of a registry without end: no more is read of it than it may have.
func TestEndlessFiles(t *testing.T) {
	raced.Skip(t, "it moves many megabytes")
	key := newKey(t, "acme")
	tree := t.TempDir()
	add(t, Options{Tree: tree, Key: key}, dist(t, key, "one", "v1.0.0"))
	for extension, most := range map[string]int64{
		".ptar": 1 << 20, "recipe.yaml": 1 << 20, release.SumExtension: release.MaxSidecar, release.SignatureExtension: release.MaxSidecar,
		versionsName: maxJSON, IndexName: maxJSON,
	} {
		t.Run(extension, func(t *testing.T) {
			handler := &endless{Handler: http.FileServer(http.Dir(tree)), extension: extension}
			server := httptest.NewServer(handler)
			defer server.Close()
			_, checkErr := Check(t.Context(), server.URL, CheckOptions{Trust: trust(key)})
			if checkErr == nil {
				if _, findings := look(t, server.URL, CheckOptions{Trust: trust(key)}); len(findings) == 0 {
					t.Error("the check finds nothing")
				}
			}
			if done, err := mirrorOf(server.URL, t.TempDir(), trust(key), nil); err == nil {
				t.Errorf("it was mirrored: %+v", done)
			}
			server.Close() // which waits for what still sends
			// Each time that it is asked for, the connection holds some megabytes more: how many is the system's.
			if sent, times := handler.sent.Load(), int64(12); sent > times*(most+16<<20) {
				t.Errorf("%d bytes were taken of it", sent)
			}
		})
	}
}
