package interop

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// writeTree makes the tree that the tests back up, and returns its folder.
func writeTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := rig.WriteTree(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// wantEqual compares a restored tree with the one that was backed up.
func wantEqual(t *testing.T, want, got string) {
	t.Helper()
	differences, err := rig.Differences(want, got)
	if err != nil {
		t.Fatal(err)
	}
	for _, difference := range differences {
		t.Error(difference)
	}
}

// backup backs up, checks and restores, and compares. The client counts entries that failed as errors and still exits
// with 0, so its report is read.
func backup(t *testing.T, client *rig.Client, store, source, target string, options ...string) {
	t.Helper()
	args := append([]string{"at", store, "backup"}, options...)
	result := must(t, client, append(args, source)...)
	if !strings.Contains(result.Stdout, "completed without errors") {
		t.Errorf("backup of %s: %v", source, result)
	}
	result = must(t, client, "at", store, "check")
	if !strings.Contains(result.Stdout, "completed without errors") {
		t.Errorf("check of %s: %v", store, result)
	}
	must(t, client, "at", store, "restore", "-to", target)
}

func TestFTP(t *testing.T) {
	server := startFTPServer(t)
	tree := writeTree(t)
	source := "ftp://" + rig.FTPUser + "@" + server.Address + tree
	store := "fs:" + t.TempDir()
	client := newClient(t, packages.ftp)

	must(t, client, "at", store, "create", "-plaintext")
	restored := filepath.Join(t.TempDir(), "restored")
	backup(t, client, store, source, restored, "-o", "password="+rig.FTPPassword)
	wantEqual(t, tree, restored)

	// A second backup finds what changed, and only that.
	changed := filepath.Join(tree, "plain.txt")
	if err := os.WriteFile(changed, []byte("changed"), 0o644); err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Second) // what FTP carries
	if err := os.Chtimes(changed, now, now); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(tree, "program")); err != nil {
		t.Fatal(err)
	}
	restored = filepath.Join(t.TempDir(), "restored")
	backup(t, client, store, source, restored, "-o", "password="+rig.FTPPassword)
	wantEqual(t, tree, restored)

	result := must(t, client, "at", store, "ls")
	if n := strings.Count(result.Stdout, tree); n != 2 {
		t.Errorf("%d snapshots, want 2: %v", n, result)
	}

	const wrong = "wrong-horse"
	result = runClient(t, client, "at", store, "backup", "-o", "password="+wrong, source)
	if result.Status == 0 || !strings.Contains(result.Stderr, rig.FTPUser) {
		t.Errorf("backup with a wrong password: %v", result)
	}
	if strings.Contains(result.String(), wrong) {
		t.Errorf("the password is shown: %v", result)
	}
	result = runClient(t, client, "at", store, "backup", "-o", "password="+rig.FTPPassword, source+"/missing")
	if result.Status == 0 {
		t.Errorf("backup of a folder that is not there: %v", result)
	}

	must(t, client, "pkg", "rm", "ftp")
	result = runClient(t, client, "at", store, "backup", source)
	if result.Status == 0 || !strings.Contains(result.Stderr, "unsupported importer protocol") {
		t.Errorf("backup after the package was removed: %v", result)
	}
}

func TestFSPlugin(t *testing.T) {
	t.Parallel()
	t.Run("three executables", func(t *testing.T) { useFSPlugin(t, packages.fs) })
	t.Run("one executable", func(t *testing.T) { useFSPlugin(t, packages.fsOne) })
}

func useFSPlugin(t *testing.T, file string) {
	tree := writeTree(t)
	client := newClient(t, file)

	// Everything through the plugin.
	store := "fis://" + filepath.Join(t.TempDir(), "store")
	must(t, client, "at", store, "create", "-plaintext")
	restored := filepath.Join(t.TempDir(), "restored")
	backup(t, client, store, "fis://"+tree, "fis://"+restored)
	wantEqual(t, tree, restored)

	// What the plugin's storage wrote is what the client's own reads, and the other way round.
	own := strings.Replace(store, "fis://", "fs://", 1)
	restored = filepath.Join(t.TempDir(), "restored")
	backup(t, client, own, "fs://"+tree, restored)
	wantEqual(t, tree, restored)
	result := must(t, client, "at", store, "ls")
	if n := strings.Count(result.Stdout, tree); n != 2 {
		t.Errorf("%d snapshots, want 2: %v", n, result)
	}

	result = runClient(t, client, "at", store, "create", "-plaintext")
	if result.Status == 0 {
		t.Errorf("a store was created over another: %v", result)
	}
}

// TestCompressions proves that clients old and new read packages of every compression that kpkg writes, and that what
// they unpack runs.
func TestCompressions(t *testing.T) {
	t.Parallel()
	tree := writeTree(t)
	for _, compression := range []string{"gzip", "lz4"} {
		t.Run(compression, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), packageName("fs-plugin"))
			result, err := rig.Run(t.Context(), tools.Kpkg, "create", filepath.Join(rig.Root(), "examples/fs/manifest.yaml"),
				"v0.1.0", "-o", file, "--compression", compression)
			if err != nil || result.Status != 0 {
				t.Fatal(err, result)
			}
			client := newClient(t, file)
			store := "fs:" + t.TempDir()
			must(t, client, "at", store, "create", "-plaintext")
			restored := filepath.Join(t.TempDir(), "restored")
			backup(t, client, store, "fis://"+tree, restored)
			wantEqual(t, tree, restored)

			home := t.TempDir()
			result, err = rig.Run(t.Context(), tools.Oldest, file, home)
			if err != nil || result.Status != 0 {
				t.Fatal(err, result)
			}
			name := filepath.Base(file)
			wantEqual(t, client.Installed(name), filepath.Join(home, "cache", strings.TrimSuffix(name, ".ptar")))
		})
	}
}

// TestUpgrade proves that a new version of a package replaces an old one: clients keep state by a package's identity.
func TestUpgrade(t *testing.T) {
	client := newClient(t, packages.ftp)
	file := filepath.Join(t.TempDir(), "ftp_v0.2.0_"+runtime.GOOS+"_"+runtime.GOARCH+".ptar")
	manifest := filepath.Join(rig.Root(), "examples/ftp/manifest.yaml")
	result, err := rig.Run(t.Context(), tools.Kpkg, "create", manifest, "v0.2.0", "-o", file)
	if err != nil || result.Status != 0 {
		t.Fatal(err, result)
	}
	must(t, client, "pkg", "add", "-u", file)
	result = must(t, client, "pkg", "list")
	if !strings.Contains(result.Stdout, "ftp@v0.2.0") || strings.Contains(result.Stdout, "v0.1.0") {
		t.Errorf("installed after the upgrade: %v", result)
	}
}
