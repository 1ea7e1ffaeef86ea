package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// TestStart follows docs/start.md to its end, with plakar's own code for the commands of plakar.
func TestStart(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	dir, bin := t.TempDir(), t.TempDir()
	follow := filepath.Join(bin, "follow")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", follow, "./internal/pages/follow")
	build.Dir = rig.Root()
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for link, target := range map[string]string{
		filepath.Join(dir, "kpkg"): rig.Root(), filepath.Join(bin, "kpkg"): tools.Kpkg, filepath.Join(bin, "plakar"): tools.Client,
	} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	for _, variable := range client.Environment() {
		// Or go would start a program that writes there when all is over.
		if config, found := strings.CutPrefix(variable, "XDG_CONFIG_HOME="); found {
			if err := os.MkdirAll(filepath.Join(config, "go", "telemetry"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(config, "go", "telemetry", "mode"), []byte("off 2026-01-01\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	run := exec.CommandContext(t.Context(), follow, rig.Root(), "docs/start.md", "run", "plakar")
	run.Dir = dir
	run.Env = append(client.Environment(), "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"),
		"GOFLAGS=-mod=mod -trimpath", "CGO_ENABLED=0")
	// The client's home is not where Go keeps what it has fetched and built.
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB"} {
		value, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		run.Env = append(run.Env, name+"="+strings.TrimSpace(string(value)))
	}
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// The snapshot is there, and whole.
	store := filepath.Join(dir, "notes", "store")
	must(t, client, "at", store, "check")
	restored := filepath.Join(t.TempDir(), "restored")
	must(t, client, "at", store, "restore", "-to", restored)
	text, err := os.ReadFile(filepath.Join(restored, "garden", "spring"))
	if err != nil || string(text) != "Plant the beans in May.\n" {
		t.Errorf("%q, %v", text, err)
	}
}
