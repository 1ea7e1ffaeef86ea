package image

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/PlakarKorp/kpkg/executable"
)

var amd64 = executable.Platform{OS: "linux", Arch: "amd64"}

// program builds a program for Linux.
func program(t *testing.T, arch string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", filepath.Join(dir, "main"), filepath.Join(dir, "main.go"))
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOFLAGS=-trimpath")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "main")
}

func onDisk(name, path string, executable bool) File {
	return File{Name: name, Executable: executable, Open: func() (*os.File, error) { return os.Open(path) }}
}

// made is an image of a program and a file beside it.
func made(t *testing.T, path string) *Image {
	t.Helper()
	extra := filepath.Join(t.TempDir(), "extra")
	if err := os.WriteFile(extra, []byte("extra"), 0o600); err != nil {
		t.Fatal(err)
	}
	i, err := New(t.Context(), Options{
		Platform: amd64, Executable: "bin/main", Time: time.Unix(1e9, 5).UTC(), Labels: map[string]string{"org.opencontainers.image.title": "x"},
		Files: []File{onDisk("bin/main", path, true), onDisk("data/extra", extra, false)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func written(t *testing.T, reference string, images ...*Image) string {
	t.Helper()
	var out bytes.Buffer
	if err := Write(t.Context(), &out, reference, images...); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.oci.tar")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestImage makes an image twice, the same both times, and reads it: with go-containerregistry too, as docker's archive.
func TestImage(t *testing.T) {
	path := program(t, "amd64")
	file := written(t, "registry.example.com/x:v1", made(t, path))
	again := written(t, "registry.example.com/x:v1", made(t, path))
	a, err := os.ReadFile(file)
	b, err2 := os.ReadFile(again)
	if err != nil || err2 != nil || !bytes.Equal(a, b) {
		t.Error("the same image has other bytes", err, err2)
	}
	archive, err := Read(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	id := made(t, path).ID()
	found, there := archive.Find(id)
	if !there || found.OS != "linux" || found.Arch != "amd64" || found.IsRoot() || found.Reference != "registry.example.com/x:v1" ||
		!slices.Equal(found.Entrypoint, []string{"/plugin/bin/main"}) || found.Labels["org.opencontainers.image.title"] != "x" {
		t.Errorf("%+v", found)
	}
	docker, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if name, err := docker.ConfigName(); err != nil || name.String() != id {
		t.Errorf("docker's archive has %v, %v, want %s", name, err, id)
	}
	if layers, err := docker.Layers(); err != nil || len(layers) != 1 {
		t.Errorf("%d layers, %v", len(layers), err)
	}

	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Create(filepath.Join(t.TempDir(), "program"))
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	size, err := archive.Program(t.Context(), found, program)
	if got, readErr := os.ReadFile(program.Name()); err != nil || readErr != nil || size != int64(len(got)) || !bytes.Equal(got, want) {
		t.Errorf("the program has %d bytes, said %d, want %d, %v", len(got), size, len(want), err)
	}
	root := t.TempDir()
	if err := archive.Unpack(t.Context(), found, root); err != nil {
		t.Fatal(err)
	}
	var names []string
	filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if !entry.IsDir() {
			names = append(names, strings.TrimPrefix(name, root))
		}
		return err
	})
	if got := strings.Join(names, " "); got != "/etc/group /etc/nsswitch.conf /etc/passwd /etc/ssl/certs/ca-certificates.crt /plugin/bin/main /plugin/data/extra" {
		t.Errorf("there are %s", got)
	}
	if info, err := os.Stat(filepath.Join(root, "plugin/bin/main")); err != nil || info.Mode().Perm() != 0o755 {
		t.Error(info, err)
	}
	pool := x509.NewCertPool()
	certificates, _ := os.ReadFile(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt"))
	if block, _ := pem.Decode(certificates); block == nil || !pool.AppendCertsFromPEM(certificates) {
		t.Error("there are no certificates")
	}
}

// TestNotAlone refuses what would not run in an image.
func TestNotAlone(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		platform string
		path     string
		want     string
	}{
		"Windows": {"windows", script, "for Linux only"},
		"script":  {"linux", script, "no ELF executable"},
		"dynamic": {"linux", shell, "linked dynamically"},
		"missing": {"linux", "/nowhere", "no such file"},
	} {
		_, err := New(t.Context(), Options{
			Platform: executable.Platform{OS: test.platform, Arch: "amd64"}, Executable: "x", Files: []File{onDisk("x", test.path, true)},
		})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(ctx, Options{Platform: amd64, Executable: "x", Files: []File{onDisk("x", program(t, "amd64"), true)}}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestDamaged changes every part of an archive: each is noticed.
func TestDamaged(t *testing.T) {
	file := written(t, "", made(t, program(t, "amd64")))
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	in := tar.NewReader(bytes.NewReader(good))
	for {
		header, err := in.Next()
		if err != nil {
			break
		}
		at[header.Name] = bytes.Index(good, []byte(header.Name)) + 512 + int(header.Size/2)
	}
	damage := map[string]func() []byte{
		"cut short": func() []byte { return good[:len(good)/2] },
		"empty":     func() []byte { return nil },
		"text":      func() []byte { return []byte(strings.Repeat("hello\n", 500)) },
	}
	for name, offset := range at {
		if strings.HasPrefix(name, "blobs/") {
			damage[name] = func() []byte {
				bad := bytes.Clone(good)
				bad[offset] ^= 1
				return bad
			}
		}
	}
	if len(damage) != 6 {
		t.Fatal(at)
	}
	for name, bad := range damage {
		path := filepath.Join(t.TempDir(), "bad.oci.tar")
		if err := os.WriteFile(path, bad(), 0o600); err != nil {
			t.Fatal(err)
		}
		if archive, err := Read(t.Context(), path); err == nil {
			archive.Close()
			t.Errorf("%s: it is read", name)
		}
	}
	if _, err := Read(t.Context(), "/nowhere"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestUnpackHostile refuses what would leave the folder, or is no file.
func TestUnpackHostile(t *testing.T) {
	for name, header := range map[string]tar.Header{
		"above":    {Name: "../x", Typeflag: tar.TypeReg},
		"link":     {Name: "x", Typeflag: tar.TypeSymlink, Linkname: "/etc"},
		"device":   {Name: "x", Typeflag: tar.TypeChar},
		"whiteout": {Name: "a/.wh.x", Typeflag: tar.TypeReg},
	} {
		root, err := os.OpenRoot(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if err := unpackEntry(root, &header, strings.NewReader("")); err == nil {
			t.Errorf("%s: it is unpacked", name)
		}
		root.Close()
	}
	bomb := int64(10)
	if _, err := (&bounded{strings.NewReader(strings.Repeat("x", 100)), &bomb}).Read(make([]byte, 100)); err == nil {
		t.Error("there is no bound")
	}
}

// TestUnpackOver puts a file in the place of one that another layer has, whatever its mode: it is not written into, as whoever is not
// root may not.
func TestUnpackOver(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	unpack := func(content string) {
		header := tar.Header{Name: "etc/fixed", Typeflag: tar.TypeReg, Mode: 0o444}
		if err := unpackEntry(root, &header, strings.NewReader(content)); err != nil {
			t.Fatal(err)
		}
	}
	unpack("below")
	if err := os.Link(filepath.Join(dir, "etc/fixed"), filepath.Join(dir, "former")); err != nil {
		t.Fatal(err)
	}
	unpack("above")
	for name, want := range map[string]string{"etc/fixed": "above", "former": "below"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v; want %q", name, got, err, want)
		}
	}
	if err := unpackEntry(root, &tar.Header{Name: "etc", Typeflag: tar.TypeReg}, strings.NewReader("")); err == nil {
		t.Error("a file takes the place of a folder with what is in it")
	}
}

func TestReference(t *testing.T) {
	for reference, good := range map[string]bool{
		"registry.example.com/ftp:v1.0.0": true, "localhost:5000/a/b:x": true, "docker.io/me/ftp:v1": true,
		"ftp": false, "registry.example.com/ftp": false, "registry.example.com/FTP:v1": false, "": false, "a b": false,
		"registry.example.com/ftp@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08": false,
	} {
		if err := CheckReference(reference); (err == nil) != good {
			t.Errorf("%q: %v", reference, err)
		}
	}
}
