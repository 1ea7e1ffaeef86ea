package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// serve is a server of one content, through a handler of the test's own where there is one.
func serve(t *testing.T, content []byte, wrap func(http.Handler) http.Handler) (address string, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		http.ServeContent(w, r, "a.ptar", time.Unix(1e9, 0), bytes.NewReader(content))
	})
	if wrap != nil {
		handler = wrap(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL + "/a.ptar", requests
}

func noise(n int) []byte {
	data := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(data)
	return data
}

// TestReadAt reads at random, over the edges of blocks, and all of a file with few requests.
func TestReadAt(t *testing.T) {
	content := noise(20<<20 + 12345)
	address, requests := serve(t, content, nil)
	in, err := Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if in.Size() != int64(len(content)) {
		t.Fatalf("%d bytes, want %d", in.Size(), len(content))
	}
	for range 50 {
		offset, length := rand.IntN(len(content)), rand.IntN(3*blockSize)
		got := make([]byte, length)
		n, err := in.ReadAt(got, int64(offset))
		want := content[offset:min(offset+length, len(content))]
		if !bytes.Equal(got[:n], want) || (n < length) != errors.Is(err, io.EOF) {
			t.Fatalf("%d bytes at %d: %d, %v", length, offset, n, err)
		}
	}
	again, err := Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	requests.Store(0)
	if got, err := io.ReadAll(io.NewSectionReader(again, 0, again.Size())); err != nil || !bytes.Equal(got, content) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if n := requests.Load(); n > 5 {
		t.Errorf("20 MiB from the beginning to the end take %d requests", n)
	}
}

// TestFailures: each is told as what it is, or passes.
func TestFailures(t *testing.T) {
	content := noise(3 << 20)
	status := func(code int, times int64) func(http.Handler) http.Handler {
		var n atomic.Int64
		return func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if n.Add(1) <= times {
					w.WriteHeader(code)
					return
				}
				h.ServeHTTP(w, r)
			})
		}
	}
	var second atomic.Int64
	for name, test := range map[string]struct {
		wrap func(http.Handler) http.Handler
		want string // of the error, "" for none
	}{
		"fine":              {nil, ""},
		"not there":         {status(404, 100), "404 Not Found"},
		"forbidden":         {status(403, 100), "403 Forbidden"},
		"busy once":         {status(503, 1), ""},
		"too many requests": {status(429, 2), ""},
		"no ranges": {func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(content) })
		}, "does not serve parts"},
		"other range": {func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Range", "bytes 7-9/100")
				w.WriteHeader(http.StatusPartialContent)
			})
		}, "byte 7 on where byte 0"},
		"no length": {func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Range", "bytes 0-9/*")
				w.WriteHeader(http.StatusPartialContent)
			})
		}, "does not say what part"},
		"changed": {func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if second.Add(1) > 1 {
					http.ServeContent(w, r, "", time.Unix(2e9, 0), bytes.NewReader(content))
					return
				}
				h.ServeHTTP(w, r)
			})
		}, "has changed since it was opened"},
		"broken once": {func() func(http.Handler) http.Handler {
			var n atomic.Int64
			return func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if n.Add(1) == 2 {
						w.Header().Set("Content-Range", "bytes 262144-1310719/3145728")
						w.Header().Set("Content-Length", "1048576")
						w.Header().Set("Last-Modified", time.Unix(1e9, 0).UTC().Format(http.TimeFormat))
						w.WriteHeader(http.StatusPartialContent)
						w.Write(content[262144:300000])
						panic(http.ErrAbortHandler)
					}
					h.ServeHTTP(w, r)
				})
			}
		}(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, _ := serve(t, content, test.wrap)
			var got []byte
			in, err := Open(t.Context(), strings.Replace(address, "http://", "http://user:hunter22@", 1))
			if err == nil {
				got, err = io.ReadAll(io.NewSectionReader(in, 0, in.Size()))
			}
			if test.want == "" && (err != nil || !bytes.Equal(got, content)) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter22")) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	address, _ := serve(t, nil, nil)
	if _, err := Open(ctx, address); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestSpool(t *testing.T) {
	content := noise(1 << 20)
	in, err := Spool(t.Context(), bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(io.NewSectionReader(in, 0, in.Size())); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
}

// TestAtOnce has many readers read one file in many places: nobody waits for what others fetch, and nothing is fetched again and again.
func TestAtOnce(t *testing.T) {
	content := noise(40 << 20)
	var at, most atomic.Int64
	var sent atomic.Int64
	address, requests := serve(t, content, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			now := at.Add(1)
			defer at.Add(-1)
			for {
				old := most.Load()
				if now <= old || most.CompareAndSwap(old, now) {
					break
				}
			}
			time.Sleep(5 * time.Millisecond)
			h.ServeHTTP(counting{w, &sent}, r)
		})
	})
	in, err := Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var readers sync.WaitGroup
	part := len(content) / 8
	for i := range 8 {
		readers.Go(func() {
			got := make([]byte, 10_000)
			for offset := i * part; offset < (i+1)*part; offset += len(got) {
				n, err := in.ReadAt(got, int64(offset))
				if err != nil && !errors.Is(err, io.EOF) || !bytes.Equal(got[:n], content[offset:offset+n]) {
					t.Errorf("at %d: %d bytes, %v", offset, n, err)
					return
				}
			}
		})
	}
	readers.Wait()
	if most.Load() < 3 {
		t.Errorf("at most %d requests at once", most.Load())
	}
	if requests.Load() > 60 || sent.Load() > int64(len(content))*11/10 {
		t.Errorf("%d requests, %d bytes for %d", requests.Load(), sent.Load(), len(content))
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
