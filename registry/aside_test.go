package registry

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/release"
)

// TestPutAside gives the folder of an integration its name back that a killed run has put aside, where systems exchange no names.
func TestPutAside(t *testing.T) {
	opts := Options{Tree: filepath.Join(t.TempDir(), "tree")}
	add(t, opts, dist(t, nil, "a", "v1.0.0"))
	folder := filepath.Join(opts.Tree, filepath.FromSlash(integrationDir("a")))
	file := filepath.Join(folder, "a_v1.0.0_linux_amd64.ptar")
	before := get(t, file)
	if err := os.Rename(folder, filepath.Join(filepath.Dir(folder), ".a.kpkg-aside")); err != nil {
		t.Fatal(err)
	}
	add(t, opts, dist(t, nil, "a", "v1.1.0"))
	if string(get(t, file)) != string(before) {
		t.Error("the package is another")
	}
	if rules, findings := look(t, opts.Tree, CheckOptions{}); finding.HasErrors(findings) {
		t.Error(rules, findings)
	}
}

// TestCopies has copies of the index, where there are no links, that a web server of another user may read.
func TestCopies(t *testing.T) {
	key := newKey(t, "acme")
	opts := Options{Tree: filepath.Join(t.TempDir(), "tree"), Key: key}
	add(t, opts, dist(t, key, "a", "v1.0.0"))
	names := []string{IndexName, IndexName + release.SumExtension, IndexName + release.SignatureExtension}
	for _, name := range names {
		file := filepath.Join(opts.Tree, name)
		data := get(t, file)
		if err := errors.Join(os.Remove(file), os.WriteFile(file, data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	add(t, opts, dist(t, key, "a", "v1.1.0"))
	for _, name := range names {
		info, err := os.Lstat(filepath.Join(opts.Tree, name))
		if err != nil || info.Mode() != 0o644 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}
