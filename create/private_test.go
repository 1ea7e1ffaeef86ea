package create_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/ptarbuild"
)

// tiny is an integration of one executable.
var tiny = map[string]string{
	"go.mod":                  "module example.org/tiny\n\ngo 1.26\n",
	"plugin/importer/main.go": "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"importer\") }\n",
	"README.md":               "# Tiny\n",
	"manifest.yaml": `name: tiny
display_name: Tiny
description: the smallest integration
connectors:
- {type: importer, executable: tinyImporter, protocols: [tiny]}
`,
}

// tree writes the files into a folder of the test's.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Nothing of the machine, the person and the folders that made a package is in it, compressed or not.
func TestPackagesArePrivate(t *testing.T) {
	if testing.Short() {
		t.Skip("builds with Go")
	}
	for _, compression := range ptarbuild.Compressions {
		t.Run(string(compression), func(t *testing.T) { private(t, compression) })
	}
}

func private(t *testing.T, compression ptarbuild.Compression) {
	ownCache(t)
	dir := tree(t, tiny)
	out := t.TempDir()
	integrations, err := create.Run(context.Background(), create.Options{
		Manifests: []string{dir}, Version: "v1.0.0", OutDir: out, Platforms: []executable.Platform{executable.Host()},
		Compression: compression,
	})
	if err != nil {
		t.Fatal(err)
	}
	made := integrations[0].Packages[0]
	if made.Err != nil {
		t.Fatal(made.Err)
	}
	data, err := os.ReadFile(made.File)
	if err != nil {
		t.Fatal(err)
	}
	everything := inflate(data)
	if int64(len(everything)) < made.Unpacked {
		t.Fatalf("found %d bytes in the package, want at least the %d of its files", len(everything), made.Unpacked)
	}
	if !bytes.Contains(everything, []byte("the smallest integration")) {
		t.Fatal("the manifest is not among what was found: the search would find nothing")
	}
	for what, secret := range secrets(t, dir, out) {
		if len(secret) < 4 {
			continue // a name like "pi" is in every executable
		}
		if at := bytes.Index(everything, []byte(secret)); at >= 0 {
			t.Errorf("the package holds the %s, %q: ...%q...", what, secret, everything[max(0, at-40):min(len(everything), at+80)])
		}
	}
}

func secrets(t *testing.T, dir, out string) map[string]string {
	t.Helper()
	all := map[string]string{"folder of the source": dir, "folder of the package": out}
	if host, err := os.Hostname(); err == nil {
		all["host name"] = host
	}
	if me, err := user.Current(); err == nil && me.Username != "root" { // a word of many programs
		all["user name"], all["person's name"] = me.Username, me.Name
	}
	if home, err := os.UserHomeDir(); err == nil {
		all["home folder"] = home + "/"
	}
	if here, err := os.Getwd(); err == nil {
		all["working folder"] = here
	}
	if id, err := os.ReadFile("/etc/machine-id"); err == nil {
		all["machine id"] = strings.TrimSpace(string(id))
	}
	return all
}

// inflate returns data and all gzip and LZ4 streams in it, found without knowing the format around them.
func inflate(data []byte) []byte {
	var all bytes.Buffer
	all.Write(data)
	for _, stream := range []struct {
		magic []byte
		read  func(io.Reader) (io.Reader, error)
	}{
		{[]byte{0x1f, 0x8b, 8}, func(r io.Reader) (io.Reader, error) {
			z, err := gzip.NewReader(r)
			if err == nil {
				z.Multistream(false)
			}
			return z, err
		}},
		{[]byte{0x04, 0x22, 0x4d, 0x18}, func(r io.Reader) (io.Reader, error) { return lz4.NewReader(r), nil }},
	} {
		for rest := data; ; {
			at := bytes.Index(rest, stream.magic)
			if at < 0 {
				break
			}
			rest = rest[at:]
			if r, err := stream.read(bytes.NewReader(rest)); err == nil {
				io.Copy(&all, io.LimitReader(r, 1<<20)) // a chunk is smaller
			}
			rest = rest[1:]
		}
	}
	return all.Bytes()
}
