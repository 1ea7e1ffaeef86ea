package interop

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// TestFTPRestore backs up from an FTP server and restores to it, with what FTP can carry: no modes and no links.
func TestFTPRestore(t *testing.T) {
	server := startFTPServer(t)
	file := filepath.Join(t.TempDir(), packageName("ftp"))
	manifest := filepath.Join(rig.Root(), "examples/ftp/both/manifest.yaml")
	result, err := rig.Run(t.Context(), tools.Kpkg, "create", manifest, "v0.1.0", "-o", file)
	if err != nil || result.Status != 0 {
		t.Fatal(err, result)
	}
	client := newClient(t, file)

	tree := writeTree(t)
	makePlain(t, tree)
	target := filepath.Join(t.TempDir(), "restored", "deep")
	store := "fs:" + t.TempDir()
	must(t, client, "at", store, "create", "-plaintext")
	location := "ftp://" + rig.FTPUser + "@" + server.Address
	password := "password=" + rig.FTPPassword
	for range 2 { // into nothing, and over what is there
		must(t, client, "at", store, "backup", "-o", password, location+tree)
		must(t, client, "at", store, "restore", "-o", password, "-to", location+target)
		wantEqual(t, tree, target)
		changed := filepath.Join(tree, "plain.txt")
		if err := os.WriteFile(changed, []byte("changed"), 0o644); err != nil {
			t.Fatal(err)
		}
		now := time.Now().Truncate(time.Second) // what FTP carries
		if err := os.Chtimes(changed, now, now); err != nil {
			t.Fatal(err)
		}
	}
}

// makePlain leaves in a tree what FTP can carry: no links, the modes that servers give, and whole seconds.
func makePlain(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return os.Chmod(name, 0o755)
		case d.Type().IsRegular():
			return os.Chmod(name, 0o644)
		}
		return os.Remove(name)
	})
	if err != nil {
		t.Fatal(err)
	}
	modified := time.Date(2021, 3, 1, 12, 0, 0, 0, time.UTC)
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chtimes(name, modified, modified)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
