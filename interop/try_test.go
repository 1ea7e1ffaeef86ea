package interop

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// TestTry proves that the client reads, checks and restores what `kpkg try backup` has written, and that what kpkg itself
// restores is the same.
func TestTry(t *testing.T) {
	tree := writeTree(t)
	data := filepath.Join(t.TempDir(), "data.ptar")
	try := func(args ...string) {
		t.Helper()
		result, err := rig.Run(t.Context(), tools.Kpkg, append([]string{"try"}, args...)...)
		if err != nil || result.Status != 0 {
			t.Fatal(err, result)
		}
	}
	try("backup", packages.fs, "fis://"+tree, "-o", data)

	client := newClient(t)
	result := must(t, client, "at", data, "check")
	if !strings.Contains(result.Stdout, "completed without errors") {
		t.Errorf("check of %s: %v", data, result)
	}
	restored := filepath.Join(t.TempDir(), "restored")
	must(t, client, "at", data, "restore", "-to", restored)
	wantEqual(t, tree, restored)

	restored = filepath.Join(t.TempDir(), "restored")
	try("restore", packages.fs, "fis://"+restored, data)
	wantEqual(t, tree, restored)
}

// TestTryPlakarsPtar proves that kpkg restores what the client's own ptar command has written, in each of its forms without
// encryption.
func TestTryPlakarsPtar(t *testing.T) {
	tree := writeTree(t)
	client := newClient(t)
	for name, flags := range map[string][]string{
		"LZ4": nil, "uncompressed": {"-no-compression"}, "SHA256": {"-hashing", "SHA256"},
	} {
		t.Run(name, func(t *testing.T) {
			data, restored := filepath.Join(t.TempDir(), "data.ptar"), filepath.Join(t.TempDir(), "restored")
			must(t, client, slices.Concat([]string{"ptar", "-plaintext"}, flags, []string{"-o", data, tree})...)
			result, err := rig.Run(t.Context(), tools.Kpkg, "try", "restore", packages.fs, "fis://"+restored, data)
			if err != nil || result.Status != 0 {
				t.Fatal(err, result)
			}
			wantEqual(t, tree, restored)
		})
	}
}

// TestTryFTP backs up from a server and restores to it, with a password that nobody gets to see, and with both connectors in an image,
// too.
func TestTryFTP(t *testing.T) {
	server := startFTPServer(t)
	tree := writeTree(t)
	makePlain(t, tree)
	source := filepath.Join(rig.Root(), "examples/ftp/both")
	location := "ftp://" + rig.FTPUser + "@" + server.Address
	const secret = "password=$PASSWORD"
	for name, integration := range map[string]string{"source": source, "image": imageOf(t, source)} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			data, restored := filepath.Join(dir, "data.ptar"), filepath.Join(dir, "restored")
			if result := tryWith(t, "wrong-password", "backup", integration, location+tree, secret, "-o", data); result.Status != 3 {
				t.Errorf("with a wrong password: %v", result)
			}
			if result := tryWith(t, rig.FTPPassword, "backup", integration, location+tree, secret, "-o", data); result.Status != 0 {
				t.Fatal(result)
			}
			if result := tryWith(t, rig.FTPPassword, "restore", integration, location+restored, data, secret); result.Status != 0 {
				t.Fatal(result)
			}
			wantEqual(t, tree, restored)
		})
	}
}

// imageOf makes the package of a source with images beside it, and returns its path.
func imageOf(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	made, err := rig.Run(t.Context(), tools.Kpkg, "create", source, "v1.0.0", "--image", "--out-dir", dir)
	if err != nil || made.Status != 0 {
		t.Fatal(err, made)
	}
	packages, err := filepath.Glob(filepath.Join(dir, "*.ptar"))
	if err != nil || len(packages) != 1 {
		t.Fatal(packages, err)
	}
	return packages[0]
}

// TestTryFTPWithOneConnection is TestTryFTP on servers that allow a connection or two, for a tree with links: ProFTPD tells
// where they point in LIST only, which takes a connection of its own.
func TestTryFTPWithOneConnection(t *testing.T) {
	t.Parallel()
	for _, directive := range []string{"MaxClientsPerUser 1", "MaxClientsPerUser 2", "MaxConnectionsPerHost 1"} {
		t.Run(directive, func(t *testing.T) {
			server := startFTPServer(t, directive)
			tree := writeTree(t)
			dir := t.TempDir()
			data, restored := filepath.Join(dir, "data.ptar"), filepath.Join(dir, "restored")
			integration := filepath.Join(rig.Root(), "examples/ftp/both")
			location := "ftp://" + rig.FTPUser + "@" + server.Address
			const secret = "password=$PASSWORD"
			must := func(args ...string) {
				t.Helper()
				if result := tryWith(t, rig.FTPPassword, args...); result.Status != 0 {
					t.Fatal(result)
				}
			}
			must("backup", integration, location+tree, secret, "-o", data)
			must("restore", packages.fs, "fis://"+restored, data)
			wantEqual(t, tree, restored)

			makePlain(t, tree)
			restored += " again"
			must("backup", integration, location+tree, secret, "-o", data, "--force")
			must("restore", integration, location+strings.ReplaceAll(restored, " ", "%20"), data, secret)
			wantEqual(t, tree, restored)
		})
	}
}

// tryWith runs kpkg try with the password in the environment, as PASSWORD, and checks that it is not told to anyone.
func tryWith(t *testing.T, password string, args ...string) rig.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	result, err := rig.RunIn(ctx, t.TempDir(), []string{"PASSWORD=" + password}, tools.Kpkg, append([]string{"try"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(result.Stdout+result.Stderr, password) {
		t.Errorf("the password is in the output: %v", result)
	}
	return result
}
