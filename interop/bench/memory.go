package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// big is the size of the executable in a package as large as anybody makes.
const big = 2 << 30

// memory packs and verifies a package of 2 GiB that does not compress, and reports the peak.
func (b *bencher) memory(ctx context.Context) error {
	source := filepath.Join(b.dir, "big")
	if err := os.MkdirAll(source, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(source)
	if err := noise(filepath.Join(source, "blob")); err != nil {
		return err
	}
	manifest := "name: big\ndisplay_name: Big\ndescription: as large as it gets\nconnectors:\n" +
		"- {type: importer, protocols: [big], executable: run, extra_files: [blob]}\n"
	err := errors.Join(
		os.WriteFile(filepath.Join(source, "manifest.yaml"), []byte(manifest), 0o644),
		os.WriteFile(filepath.Join(source, "run"), []byte("#!/bin/sh\n"), 0o755),
	)
	if err != nil {
		return err
	}
	for _, step := range []struct {
		name string
		args []string
	}{
		{"kpkg create --no-build, 2 GiB", []string{
			"create", source, "v0.1.0", "--platform", "linux/amd64", "--no-build", "--quiet", "--out-dir", source}},
		{"kpkg verify, 2 GiB", []string{"verify", filepath.Join(source, "big_v0.1.0_linux_amd64.ptar")}},
	} {
		result, err := succeed(rig.Run(ctx, b.tools.Kpkg, step.args...))
		if err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Fprintf(b.w, "%.1f s\t\t%.1f s\t\t%.0f MiB\t\t\t\t%s\n",
			result.Wall.Seconds(), result.CPU.Seconds(), mebibytes(result.Peak), step.name)
	}
	return nil
}

func noise(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	random := rand.NewChaCha8([32]byte{1})
	buf := make([]byte, 1<<20)
	for range big / len(buf) {
		random.Read(buf)
		if _, err := w.Write(buf); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(w.Flush(), f.Close())
}
