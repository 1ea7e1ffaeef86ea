package interop

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

func startSSHServer(t *testing.T) *rig.SSHServer {
	t.Helper()
	server, err := rig.StartSSHServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// TestSFTP carries a tree of local files to a store on an SSH server, and from there to a folder on it, byte
// for byte, without plakar. kpkg test has nothing against any of the three connectors.
func TestSFTP(t *testing.T) {
	t.Parallel()
	server := startSSHServer(t)
	pkg, err := packages.sftp()
	if err != nil {
		t.Fatal(err)
	}
	tree, dir := writeTree(t), t.TempDir()
	at := func(name string) string {
		return "sftp://" + server.User + "@" + server.Address + filepath.Join(dir, name)
	}
	settings := func(flag string) []string {
		var all []string
		for _, setting := range []string{"identity=" + server.Identity, "agent=-", "host_key=" + strings.TrimSpace(server.HostKey)} {
			if flag != "" {
				all = append(all, flag)
			}
			all = append(all, setting)
		}
		return all
	}
	run := func(args ...string) {
		t.Helper()
		result, err := rig.Run(t.Context(), tools.Kpkg, args...)
		if err != nil || result.Status != 0 {
			t.Fatal(err, result)
		}
	}
	keeping := append([]string{"--store", pkg}, settings("--store-config")...)
	run(append([]string{"try", "backup", packages.fs, "fis://" + tree, at("store")}, keeping...)...)
	restore := append([]string{"try", "restore", pkg, at("restored"), at("store")}, settings("")...)
	run(append(restore, keeping...)...)
	wantEqual(t, tree, filepath.Join(dir, "restored"))

	var tests sync.WaitGroup
	for _, connector := range []string{"importer", "exporter", "storage"} {
		location := at("test-" + connector)
		if connector == "importer" {
			location = at("restored")
		}
		test := append([]string{"test", pkg, "--connector", connector + ":sftp", "--config", "location=" + location}, settings("--config")...)
		tests.Go(func() {
			result, err := rig.Run(t.Context(), tools.Kpkg, test...)
			if err != nil || result.Status != 0 || !strings.Contains(result.Stdout, " 0 failed") {
				t.Error(err, result)
			}
		})
	}
	tests.Wait()

	wrong := []string{"try", "backup", packages.fsOne, "fis:" + tree, strings.Replace(at("no"), "@", ":hunter22@", 1), "--store", pkg}
	result, err := rig.Run(t.Context(), tools.Kpkg, wrong...)
	if err != nil || result.Status != 2 || !strings.Contains(result.Stderr, "the storage's schema refuses the configuration: location: ") ||
		strings.Contains(result.Stderr, "hunter22") || strings.Contains(result.Stderr, "starting") {
		t.Errorf("with settings that the storage's schema refuses: %v, %v", result, err)
	}

	result, err = rig.Run(t.Context(), tools.Kpkg, "try", "backup", pkg, at("restored"), "-o", filepath.Join(t.TempDir(), "no.ptar"),
		"identity="+server.Identity, "host_key=SHA256:AAAA")
	if err != nil || result.Status != 3 || !strings.Contains(result.Stderr, "it is another server, or its key has changed") {
		t.Errorf("with another host key: %v, %v", result, err)
	}
}
