package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/oci/ocitest"
	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/registry"
	"github.com/PlakarKorp/kpkg/release"
)

// maxInstall is the most memory that installing takes, in KiB, whatever the size of the package.
const maxInstall = 64 << 10

// registryOf is a registry with one package of a size for this machine, and the file of its key.
func registryOf(t *testing.T, size int) (tree, public string) {
	t.Helper()
	ctx, dir := context.Background(), t.TempDir()
	noise := make([]byte, size)
	rand.NewChaCha8([32]byte{}).Read(noise)
	manifest := "name: big\ndisplay_name: Big\ndescription: of noise\nlicense: ISC\nhomepage: https://example.org\napi_version: v1.1.0\n" +
		"connectors:\n- {type: importer, class: service, executable: run, protocols: [big], extra_files: [noise]}\n"
	content, err := ptarbuild.New(ctx, []ptarbuild.File{
		ptarbuild.FromBytes("manifest.yaml", []byte(manifest)),
		ptarbuild.FromBytes("LICENSE", []byte("ISC")),
		ptarbuild.FromBytes("noise", noise),
		{Name: "run", Executable: true, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("#!/bin/sh\n")), nil
		}},
	}, ptarbuild.Options{Time: time.Unix(0, 0), Compression: ptarbuild.LZ4})
	if err != nil {
		t.Fatal(err)
	}
	var pkg bytes.Buffer
	if _, err := content.Write(ctx, &pkg); err != nil {
		t.Fatal(err)
	}
	recipe, err := release.Recipe{Name: "big", Version: "v1.0.0", Repository: "https://example.org/big"}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "key")
	if _, err := release.WritePair(ctx, name, "", nil); err != nil {
		t.Fatal(err)
	}
	key, err := release.ReadSecretKey(name+release.SecretExtension, nil)
	if err != nil {
		t.Fatal(err)
	}
	dist := filepath.Join(dir, "dist")
	if err := os.Mkdir(dist, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, data := range map[string][]byte{
		fmt.Sprintf("big_v1.0.0_%s_%s.ptar", runtime.GOOS, runtime.GOARCH): pkg.Bytes(), release.RecipeName: recipe,
	} {
		path := filepath.Join(dist, file)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := release.Sign(ctx, path, key); err != nil {
			t.Fatal(err)
		}
	}
	tree = filepath.Join(dir, "tree")
	if _, err := registry.Add(ctx, []string{dist}, registry.Options{Tree: tree, Key: key}); err != nil {
		t.Fatal(err)
	}
	return tree, name + release.PublicExtension
}

// TestInstallMemory installs a package of 60 MB from a registry of files and from one of containers, by TLS: what comes is neither held
// nor copied more than once.
func TestInstallMemory(t *testing.T) {
	raced.Skip(t, "it measures memory")
	tree, public := registryOf(t, 60<<20)
	server := httptest.NewTLSServer(http.FileServer(http.Dir(tree)))
	defer server.Close()
	containers := ocitest.New(t)
	authority := authorityFile(t, server) // httptest has one for all servers
	publish := exec.Command("kpkg", "publish", tree, "oci://"+containers.Host+"/acme", "--ca-file", authority)
	if out, err := publish.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, from := range [][]string{{"big", "--registry", server.URL}, {"oci://" + containers.Host + "/acme/big", "--require-signature"}} {
		dir := t.TempDir()
		cmd := exec.Command("kpkg", append([]string{"install", "--key", public, "--ca-file", authority}, from...)...)
		cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CACHE_HOME="+dir+"/cache", "XDG_STATE_HOME="+dir+"/state",
			"XDG_CONFIG_HOME="+dir+"/config")
		begin := time.Now()
		peak := runMeasured(t, cmd)
		t.Logf("%s: %d MiB, %v", from[0], peak>>10, time.Since(begin))
		if peak > maxInstall || peak < 4<<10 {
			t.Errorf("%s took %d KiB of memory, more than %d", from[0], peak, maxInstall)
		}
	}
}

// runMeasured runs kpkg and returns the most memory that it has had, in KiB.
func runMeasured(t *testing.T, cmd *exec.Cmd) (peak int) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%v\n%s", err, &out)
			}
			return peak
		case <-time.After(time.Millisecond):
			peak = max(peak, highWater(cmd.Process.Pid))
		}
	}
}

// highWater is the most memory that a process of kpkg has had, in KiB. What the kernel says of one that has ended counts this one's,
// which it was forked off, too.
func highWater(pid int) int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, found := strings.Cut(string(status), "VmHWM:")
	if !found || !strings.HasPrefix(string(status), "Name:\tkpkg\n") {
		return 0
	}
	kib, _ := strconv.Atoi(strings.Fields(rest)[0])
	return kib
}

// TestFirstUse trusts the key of a registry at a terminal, and does not where the answer is another.
func TestFirstUse(t *testing.T) {
	tree, _ := registryOf(t, 1<<10)
	dir := t.TempDir()
	for _, answer := range []string{"n", "y"} {
		cmd := exec.Command("script", "--quiet", "--return", "--echo", "never", "--command", "kpkg install big --registry "+tree, os.DevNull)
		cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CACHE_HOME="+dir+"/cache", "XDG_STATE_HOME="+dir+"/state",
			"XDG_CONFIG_HOME="+dir+"/config", "TERM=dumb")
		cmd.Stdin = strings.NewReader(answer + "\n")
		out, err := cmd.CombinedOutput()
		if !bytes.Contains(out, []byte("Compare it with what its maker has published elsewhere.")) || (err == nil) != (answer == "y") {
			t.Fatalf("%s: %v\n%s", answer, err, out)
		}
		keys, _ := filepath.Glob(filepath.Join(dir, "config", "plakar", "trust", "*.scope"))
		if (len(keys) == 1) != (answer == "y") {
			t.Errorf("%s: trusted are %q", answer, keys)
		}
	}
}
