package rig

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// axe-core, which judges pages for those who cannot see them, as npm has it. It is fetched once, and held to its sum each time.
const (
	axe    = "axe-core@4.14.1"
	axeSum = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==" // SHA-512
)

// Axe is the script of axe-core, out of the user's cache or the package that npm has.
func Axe(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	kept := filepath.Join(cache, "kpkg-interop", axe+".tgz")
	data, err := os.ReadFile(kept)
	if err != nil || !isAxe(data) {
		if data, err = fetch(ctx); err != nil {
			return "", err
		}
		if !isAxe(data) {
			return "", fmt.Errorf("%s is not what it was: its SHA-512 is another", axe)
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(kept), 0o755), os.WriteFile(kept, data, 0o644)); err != nil {
			return "", err
		}
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	for files := tar.NewReader(unzipped); ; {
		header, err := files.Next()
		if err != nil {
			return "", fmt.Errorf("looking for the script of axe-core: %w", err)
		}
		if header.Name == "package/axe.min.js" {
			script, err := io.ReadAll(files)
			return string(script), err
		}
	}
}

func isAxe(data []byte) bool {
	sum := sha512.Sum512(data)
	return base64.StdEncoding.EncodeToString(sum[:]) == axeSum
}

// fetch has npm fetch the package, from wherever npm is set up to.
func fetch(ctx context.Context) (data []byte, err error) {
	dir, err := os.MkdirTemp("", "kpkg-interop-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	npm := exec.CommandContext(ctx, "npm", "pack", "--silent", axe)
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("having npm fetch %s: %w\n%s", axe, err, out)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("npm has made %q of %s: %w", found, axe, err)
	}
	return os.ReadFile(found[0])
}
