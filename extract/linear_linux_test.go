package extract

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/internal/growth"
	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/pack"
)

// TestDeepFoldersAreLinear extracts folders within each other, beyond those that are held open.
func TestDeepFoldersAreLinear(t *testing.T) {
	raced.Skip(t, "it measures time, and what it measures is long in the making")
	const deep = 1200
	archives := map[int][]byte{}
	for _, depth := range []int{growth.Smaller(deep), deep} {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, strings.Repeat("d/", depth)), 0o755); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if _, err := pack.Write(t.Context(), &out, pack.Options{Paths: []string{dir}}); err != nil {
			t.Fatal(err)
		}
		archives[depth] = out.Bytes()
	}
	growth.Linear(t, deep, func(depth int) {
		r, err := Folder(t.Context(), open(t, archives[depth]), t.TempDir(), Options{})
		if err != nil || r.Folders != depth || r.Failed > 0 {
			t.Fatalf("%v, %+v", err, r)
		}
	})
}
