package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// control says what the package is, in the words of Debian's policy, chapter 5. Go is wanted by the commands that build.
const control = `Package: kpkg
Version: %s
Architecture: %s
Maintainer: The authors of kpkg
Section: devel
Priority: optional
Recommends: git, golang-go
Installed-Size: %d
Homepage: ` + repository + `
Description: ` + description + `
 It turns the source tree of an integration of plakar, the backup program, into
 packages that plakar installs, and checks, tests and publishes them.
`

// debianVersion is a version by Debian's rules: "~" sorts before what has none, as a pre-release does, and "-" would begin a
// revision of the packaging.
func debianVersion(version string) string {
	release, pre, isPre := strings.Cut(strings.TrimPrefix(version, "v"), "-")
	if isPre {
		release += "~" + strings.ReplaceAll(pre, "-", ".")
	}
	return release
}

// debian makes a Debian package, with dpkg-deb, which takes the time from SOURCE_DATE_EPOCH.
func (w *workshop) debian(ctx context.Context, to, arch string, files []file) error {
	tree, err := os.MkdirTemp(w.programs, "debian-*")
	if err != nil {
		return err
	}
	size := 0
	for _, f := range files {
		name, compress := debianPath(f.name)
		if name == "" {
			continue
		}
		content := f.content
		if compress {
			if content, err = gzipped(content); err != nil {
				return err
			}
		}
		size += len(content)
		if err := writeFile(filepath.Join(tree, filepath.FromSlash(name)), content, f.mode); err != nil {
			return err
		}
	}
	head := fmt.Sprintf(control, debianVersion(w.version), arch, (size+1023)/1024)
	if err := writeFile(filepath.Join(tree, "DEBIAN", "control"), []byte(head), 0o644); err != nil {
		return err
	}
	if err := os.Chmod(tree, 0o755); err != nil {
		return err
	}
	epoch := []string{"SOURCE_DATE_EPOCH=" + strconv.FormatInt(w.time.Unix(), 10)}
	return command(ctx, "", epoch, "dpkg-deb", "--root-owner-group", "-Zgzip", "--build", tree, to)
}

// debianPath is where a file of an archive goes in a Debian system, and whether compressed; "" for one that has no place there.
func debianPath(name string) (path string, compress bool) {
	switch {
	case name == "kpkg":
		return "usr/bin/kpkg", false
	case strings.HasPrefix(name, "man/"):
		return "usr/share/man/man1/" + strings.TrimPrefix(name, "man/") + ".gz", true
	case name == "completions/kpkg.bash":
		return "usr/share/bash-completion/completions/kpkg", false
	case name == "completions/_kpkg":
		return "usr/share/zsh/vendor-completions/_kpkg", false
	case name == "completions/kpkg.fish":
		return "usr/share/fish/vendor_completions.d/kpkg.fish", false
	case name == "LICENSE":
		return "usr/share/doc/kpkg/copyright", false
	case name == "CHANGELOG.md":
		return "usr/share/doc/kpkg/changelog.gz", true
	}
	return "", false
}

// gzipped compresses without a name or a time.
func gzipped(content []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

// writeFile writes a file with its folders, whatever the umask is.
func writeFile(path string, content []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, content, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}
