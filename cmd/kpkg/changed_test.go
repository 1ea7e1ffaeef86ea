//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/internal/raced"
)

// changing is a server of files in one folder, and of those in another from some request on.
type changing struct {
	before, after string
	// named has answers say by ETag which of the two a file is of.
	named bool
	// left are the requests until the change.
	left atomic.Int64
}

func (c *changing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	dir, tag := c.before, `"before"`
	if c.left.Add(-1) < 0 {
		dir, tag = c.after, `"after"`
	}
	data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(r.URL.Path)))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	if c.named {
		w.Header().Set("ETag", tag)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// TestChanging has servers change packages while they are read: at each request in turn, by servers that say so and by those that do not.
// What is taken is all of one of the two; the other runs end with an error that says what is wrong.
func TestChanging(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	before, key := registryOf(t, 3<<20)
	after := filepath.Join(t.TempDir(), "tree")
	if err := os.CopyFS(after, os.DirFS(before)); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("community/v1.1.0/big/big_v1.0.0_%s_%s.ptar", runtime.GOOS, runtime.GOARCH)
	// Of the same length, with other bytes in its middle.
	data, err := os.ReadFile(filepath.Join(after, name))
	if err != nil {
		t.Fatal(err)
	}
	noise := rand.NewChaCha8([32]byte{1})
	noise.Read(data[1<<20 : len(data)-1<<20])
	sum := fmt.Sprintf("SHA256 (%s) = %x\n", filepath.Base(name), sha256.Sum256(data))
	for file, content := range map[string][]byte{name: data, name + ".sum": []byte(sum)} {
		if err := os.WriteFile(filepath.Join(after, file), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	content := make([]byte, 3<<20)
	rand.NewChaCha8([32]byte{}).Read(content)
	server := &changing{before: before, after: after}
	web := httptest.NewServer(server)
	defer web.Close()
	address := web.URL + "/" + name
	for _, named := range []bool{true, false} {
		server.named = named
		for _, line := range []string{"inspect", "ls", "cat", "extract", "check", "verify", "install"} {
			t.Run(fmt.Sprint(line, " ", named), func(t *testing.T) {
				failed := 0
				for at := int64(1); ; at++ {
					dir := t.TempDir()
					args := map[string][]string{
						"cat":     {"cat", address, "noise"},
						"extract": {"extract", address, "-C", filepath.Join(dir, "out")},
						"install": {"install", address, "--key", key, "--root", dir},
					}[line]
					if args == nil {
						args = []string{line, address}
					}
					server.left.Store(at)
					cmd := exec.Command("kpkg", args...)
					cmd.Env = append(os.Environ(), "HOME=/home", "XDG_CACHE_HOME=/cache", "XDG_DATA_HOME=/data")
					var out, errors bytes.Buffer
					cmd.Stdout, cmd.Stderr = &out, &errors
					err := cmd.Run()
					whole := server.left.Load() >= 0
					if whole && err != nil {
						t.Fatalf("without a change: %v\n%s%s", err, &out, &errors)
					}
					switch got := out.Bytes(); line {
					case "extract":
						if got, _ = os.ReadFile(filepath.Join(dir, "out", "noise")); err != nil && got == nil {
							break
						}
						fallthrough
					case "cat":
						if !bytes.HasPrefix(content, got) || err == nil && len(got) < len(content) {
							t.Errorf("changed at request %d: %d other bytes", at, len(got))
						}
					}
					if err != nil {
						failed++
						said := errors.String()
						if line != "cat" {
							said += out.String()
						}
						telling := regexp.MustCompile("has changed since it was opened")
						if !named || line == "install" {
							telling = regexp.MustCompile(`damaged|does not decompress|\[(package|sum|signature)-`)
						}
						if !telling.MatchString(said) {
							t.Errorf("changed at request %d:\n%.1000s", at, said)
						}
						if left, _ := filepath.Glob(filepath.Join(dir, "data/plakar/plugins/v1.1.0/big*")); len(left) > 0 {
							t.Errorf("changed at request %d: installed %q", at, left)
						}
					}
					if whole {
						break
					}
				}
				t.Logf("%d runs failed", failed)
				if failed == 0 && (named || line != "ls") {
					t.Error("no change was noticed")
				}
			})
		}
	}
}
