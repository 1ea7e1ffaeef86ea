package interop

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// itsFaults are what kpkg test blames go-kloset-sdk for.
var itsFaults = []string{
	"plugin-uninitialized", "plugin-empty-init", "plugin-minimal-init", "importer-bad-answers", "importer-no-xattr",
	"importer-bad-name", "exporter-large-record", "storage-bad-mac",
}

// TestFaultsOfSDK holds what is said of upstream's SDK to what plakar's own connectors do on it: each fault is there, and
// nothing else fails.
func TestFaultsOfSDK(t *testing.T) {
	args := []string{"test", filepath.Join(rig.Root(), "interop", "upstream"), "--only", strings.Join(itsFaults, ",")}
	result, err := rig.Run(t.Context(), tools.Kpkg, append(args, "--format", "json")...)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Checks   []struct{ ID, Connector, Status, Detail, SDK string }
		Findings []struct{ Message string }
	}
	if err := json.Unmarshal([]byte(result.Stdout), &report); err != nil {
		t.Fatalf("%v\n%v", err, result)
	}
	found := map[string]bool{}
	for _, check := range report.Checks {
		switch {
		case check.SDK == "go-kloset-sdk v1.1.0":
			found[check.ID] = true
		case check.Status == "fail":
			t.Errorf("%s: %s: %s", check.Connector, check.ID, check.Detail)
		}
	}
	for _, id := range itsFaults {
		if !found[id] {
			t.Errorf("%s is no fault of the SDK", id)
		}
	}
	blamed := 0
	for _, f := range report.Findings {
		if strings.HasPrefix(f.Message, "go-kloset-sdk v1.1.0, on which this is built") {
			blamed++
		}
	}
	if blamed != 2 { // what users can meet, and what they cannot
		t.Errorf("the SDK is blamed in %d findings: %v", blamed, report.Findings)
	}
}

// TestOldSDK names what a plugin is built on that no plakar can use which installs packages.
func TestOldSDK(t *testing.T) {
	old := filepath.Join(rig.Root(), "interop", "old")
	for _, args := range [][]string{
		{"create", old, "v0.1.0", "--out-dir", t.TempDir()}, // which verifies the package
		{"test", old},
	} {
		result, err := rig.Run(t.Context(), tools.Kpkg, args...)
		if err != nil {
			t.Fatal(err)
		}
		if said := result.Stdout + result.Stderr; result.Status == 0 || !strings.Contains(said, "go-kloset-sdk v1.0.5") ||
			!strings.Contains(said, "executable-protocol") {
			t.Errorf("%q: %v", args[0], result)
		}
	}
}

// TestEmulated tests packages for other architectures, as far as shows that they do their work, under qemu-user.
func TestEmulated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	result, err := rig.Run(t.Context(), tools.Kpkg, "create", filepath.Join(rig.Root(), "examples", "fs", "one"), "v0.1.0",
		"--platform", "linux/arm64,linux/s390x,linux/arm", "--out-dir", dir)
	if err != nil || result.Status != 0 {
		t.Fatalf("%v\n%v", err, result)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.ptar"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%q, %v", files, err)
	}
	const checks = "plugin-starts,plugin-init,plugin-sigterm,importer-complete,importer-content,exporter-answers,exporter-content," +
		"storage-create,storage-reopen"
	result, err = rig.Run(t.Context(), tools.Kpkg, append(append([]string{"test"}, files...), "--only", checks)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"arm64", "s390x", "arm"} {
		if want := "_linux_" + arch + ".ptar: 3 connectors, 15 passed, 0 failed, 0 skipped\n"; !strings.Contains(result.Stdout, want) {
			t.Errorf("want %q: %v", want, result)
		}
	}
	if result.Status != 0 {
		t.Error(result)
	}
}
