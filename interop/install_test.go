package interop

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// kpkgOf runs kpkg for the user of a client.
func kpkgOf(t *testing.T, client *rig.Client, args ...string) rig.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	result, err := rig.RunIn(ctx, t.TempDir(), client.Environment(), tools.Kpkg, args...)
	if err != nil || result.Status != 0 {
		t.Fatalf("kpkg %q: %v\n%v", args, err, result)
	}
	return result
}

// renamed is a copy of a package of the examples with another version in its name, in which alone a version is.
func renamed(t *testing.T, file, version string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), strings.Replace(filepath.Base(file), "v0.1.0", version, 1))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestInstall has kpkg and the client each install, list, replace and take away what the other has installed.
func TestInstall(t *testing.T) {
	client := newClient(t)
	kpkgOf(t, client, "install", packages.fsOne)
	if list := must(t, client, "pkg", "list").Stdout; !strings.Contains(list, "fs-one@v0.1.0") {
		t.Errorf("the client lists %q", list)
	}
	// The plugin that kpkg has extracted is the one that runs.
	tree, restored, store := writeTree(t), filepath.Join(t.TempDir(), "restored"), "fs:"+t.TempDir()
	must(t, client, "at", store, "create", "-plaintext")
	backup(t, client, store, "fis://"+tree, restored)
	wantEqual(t, tree, restored)

	must(t, client, "pkg", "add", packages.ftp)
	if list := kpkgOf(t, client, "installed").Stdout; !strings.Contains(list, "ftp") || !strings.Contains(list, "fs-one") {
		t.Errorf("kpkg lists %q", list)
	}
	kpkgOf(t, client, "install", renamed(t, packages.ftp, "v0.2.0"))
	must(t, client, "pkg", "add", "-u", renamed(t, packages.fsOne, "v0.2.0"))
	list := must(t, client, "pkg", "list").Stdout
	if !strings.Contains(list, "ftp@v0.2.0") || !strings.Contains(list, "fs-one@v0.2.0") || strings.Contains(list, "v0.1.0") {
		t.Errorf("after both were upgraded the client lists %q", list)
	}
	must(t, client, "pkg", "rm", "ftp")
	kpkgOf(t, client, "uninstall", "fs-one")
	if list := must(t, client, "pkg", "list").Stdout; strings.Contains(list, "@") {
		t.Errorf("after both were taken away the client lists %q", list)
	}
}

// TestBothVersions shows what the client does with what a killed upgrade leaves, and that the next run of kpkg ends it.
func TestBothVersions(t *testing.T) {
	client := newClient(t)
	kpkgOf(t, client, "install", packages.fsOne)
	next := renamed(t, packages.fsOne, "v0.2.0")
	data, err := os.ReadFile(next)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(client.Package(filepath.Base(next)), data, 0o600); err != nil {
		t.Fatal(err)
	}
	result := must(t, client, "pkg", "list")
	if !strings.Contains(result.Stdout, "fs-one@v0.2.0") || !strings.Contains(result.Stderr, "importer backend 'fis' already registered") {
		t.Errorf("the client says %v", result)
	}
	tree, store := writeTree(t), "fs:"+t.TempDir()
	must(t, client, "at", store, "create", "-plaintext")
	must(t, client, "at", store, "backup", "fis://"+tree)
	kpkgOf(t, client, "install", next)
	if list := must(t, client, "pkg", "list"); strings.Contains(list.Stdout, "v0.1.0") || list.Stderr != "" {
		t.Errorf("afterwards the client says %v", list)
	}
}

// TestInstallKilled kills kpkg at random moments of upgrades and downgrades. The client finds the old version, the new one or both
// each time, and whichever it starts works.
func TestInstallKilled(t *testing.T) {
	client := newClient(t)
	files := []string{packages.fsOne, renamed(t, packages.fsOne, "v0.2.0")}
	kpkgOf(t, client, "install", files[0])
	took := time.Second
	for killed, run := 0, 0; killed < *moments; run++ {
		if run == 20**moments {
			t.Fatalf("only %d of %d runs were killed before their end", killed, run)
		}
		cmd := exec.Command(tools.Kpkg, "install", "--allow-downgrade", files[(run+1)%2])
		cmd.Env = append(os.Environ(), client.Environment()...)
		begin := time.Now()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.Int64N(int64(took))))
		cmd.Process.Kill()
		if err := cmd.Wait(); err == nil {
			took = time.Since(begin)/2 + 1
			continue
		}
		killed++
		entries, err := os.ReadDir(filepath.Dir(client.Package("x")))
		if err != nil {
			t.Fatal(err)
		}
		there := 0
		for _, entry := range entries {
			if strings.HasPrefix(entry.Name(), "fs-one_") && strings.HasSuffix(entry.Name(), ".ptar") {
				there++
			}
		}
		if there == 0 {
			t.Fatalf("kill %d left no version", killed)
		}
		if killed%5 == 0 {
			if list := must(t, client, "pkg", "list").Stdout; !strings.Contains(list, "fs-one@") {
				t.Errorf("after kill %d the client lists %q", killed, list)
			}
		}
	}
	kpkgOf(t, client, "install", "--allow-downgrade", files[0])
	if list := must(t, client, "pkg", "list"); strings.Count(list.Stdout, "@") != 1 || list.Stderr != "" {
		t.Errorf("at the end the client says %v", list)
	}
}
