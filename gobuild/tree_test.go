package gobuild

import (
	"os"
	"path/filepath"
	"testing"
)

// writeTree writes files, by slash path, below dir.
func writeTree(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// simple is a tree of one importer.
var simple = map[string]string{
	"go.mod": "module example.org/x\n", "plugin/importer/main.go": "package main\n\nfunc main() {}\n",
	"manifest.yaml": "name: x\nconnectors:\n- {type: importer, executable: xImporter, protocols: [x]}\n",
}
