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
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// axe-core, which judges pages for those who cannot see them, as npm has it. It is fetched once, and held to its sum each time.
const (
	axeURL = "https://registry.npmjs.org/axe-core/-/axe-core-4.14.1.tgz"
	axeSum = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==" // SHA-512
)

// Axe is the script of axe-core, out of the user's cache or the package that npm has.
func Axe(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	kept := filepath.Join(cache, "kpkg-interop", filepath.Base(axeURL))
	data, err := os.ReadFile(kept)
	if err != nil || !isAxe(data) {
		if data, err = fetch(ctx, axeURL); err != nil {
			return "", err
		}
		if !isAxe(data) {
			return "", fmt.Errorf("%s is not what it was: its SHA-512 is another", axeURL)
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

func fetch(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := (&http.Client{Timeout: time.Minute}).Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetching %s: the server says %s", url, answer.Status)
	}
	return io.ReadAll(io.LimitReader(answer.Body, 64<<20))
}
