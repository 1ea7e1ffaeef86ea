package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// archives lists, checks and extracts archives that the client wrote, with the client and with kpkg, once each.
func (b *bencher) archives(ctx context.Context) error {
	for _, set := range []struct {
		name string
		make func(dir string) error
	}{
		{"50,000 x 4 KB", func(dir string) error { return files(dir, 50_000, 4000) }},
		{"300,000 small files", func(dir string) error { return files(dir, 300_000, 60) }},
		{"2 GiB of mixed files", mixed},
	} {
		if err := b.archive(ctx, set.name, set.make); err != nil {
			return fmt.Errorf("%s: %w", set.name, err)
		}
	}
	return nil
}

// packs makes archives of the same files with the client and with kpkg.
func (b *bencher) packs(ctx context.Context) error {
	for _, set := range []struct {
		name string
		make func(dir string) error
	}{
		{"50,000 x 4 KB", func(dir string) error { return files(dir, 50_000, 4000) }},
		{"2 GiB of mixed files", mixed},
	} {
		if err := b.packsOf(ctx, set.name, set.make); err != nil {
			return fmt.Errorf("%s: %w", set.name, err)
		}
	}
	return nil
}

func (b *bencher) packsOf(ctx context.Context, name string, fill func(dir string) error) error {
	dir := filepath.Join(b.dir, "packs")
	source, theirs, ours := filepath.Join(dir, "source"), filepath.Join(dir, "plakar", "a.ptar"), filepath.Join(dir, "kpkg", "a.ptar")
	if err := os.MkdirAll(source, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := fill(source); err != nil {
		return err
	}
	thrice := *b
	thrice.runs = min(b.runs, 3)
	if err := thrice.measure(ctx, []contender{
		{name: "plakar ptar, " + name, output: theirs, run: func(ctx context.Context) (rig.Result, error) {
			return b.client.Run(ctx, "ptar", "-plaintext", "-o", theirs, source)
		}},
		{name: "kpkg pack, " + name, output: ours, run: func(ctx context.Context) (rig.Result, error) {
			return rig.Run(ctx, b.tools.Kpkg, "pack", source, "-o", ours)
		}},
	}); err != nil {
		return err
	}
	return b.w.Flush()
}

var snapshotID = regexp.MustCompile(`(?:^|\s)([0-9a-f]{8})\s`) // no part of a longer identifier

func (b *bencher) archive(ctx context.Context, name string, fill func(dir string) error) (err error) {
	dir := filepath.Join(b.dir, "archives")
	source, file := filepath.Join(dir, "source"), filepath.Join(dir, "archive.ptar")
	if err := os.MkdirAll(source, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := fill(source); err != nil {
		return err
	}
	if _, err := succeed(b.client.Run(ctx, "ptar", "-plaintext", "-o", file, source)); err != nil {
		return err
	}
	if err := os.RemoveAll(source); err != nil {
		return err
	}
	// What the client knows of the archive after it has opened it once is counted for the first command only.
	client, err := b.tools.NewClient()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	store, restored := "ptar://"+file, filepath.Join(dir, "restored")
	opened, err := b.row(nil, fmt.Sprintf("plakar ls, which opens it for the first time: %s", name), func() (rig.Result, error) {
		return client.Run(ctx, "at", store, "ls")
	})
	if err != nil {
		return err
	}
	found := snapshotID.FindStringSubmatch(opened.Stdout)
	if found == nil {
		return fmt.Errorf("no snapshot in %q", opened.Stdout)
	}
	id := found[1]
	for _, pair := range []struct {
		name         string
		client, kpkg []string
		first        *rig.Result // what the client needs before, the first time
	}{
		{"list all", []string{"ls", "-recursive", id}, []string{"ls", "-R", file}, &opened},
		{"check", []string{"check", id}, []string{"check", file}, nil},
		{"extract", []string{"restore", "-to", restored, id}, []string{"extract", file, "-C", restored}, nil},
	} {
		theirs, err := b.row(nil, "plakar "+pair.client[0]+", "+name, func() (rig.Result, error) {
			return client.Run(ctx, slices.Concat([]string{"at", store}, pair.client)...)
		})
		if err != nil {
			return err
		}
		if pair.first != nil { // opened and listed, as kpkg does it
			theirs.Wall += pair.first.Wall
			theirs.CPU += pair.first.CPU
		}
		if err := os.RemoveAll(restored); err != nil {
			return err
		}
		if _, err := b.row(&theirs, "kpkg "+pair.kpkg[0]+", "+name, func() (rig.Result, error) {
			return rig.Run(ctx, b.tools.Kpkg, pair.kpkg...)
		}); err != nil {
			return err
		}
		if err := os.RemoveAll(restored); err != nil {
			return err
		}
	}
	return b.w.Flush()
}

// row runs a program once and writes a row, with ratios to another if there is one.
func (b *bencher) row(to *rig.Result, name string, run func() (rig.Result, error)) (rig.Result, error) {
	result, err := succeed(run())
	if err != nil {
		return result, fmt.Errorf("%s: %w", name, err)
	}
	wall, cpu := "", ""
	if to != nil {
		wall, cpu = ratio(result.Wall, to.Wall), ratio(result.CPU, to.CPU)
	}
	fmt.Fprintf(b.w, "%.2f s\t%s\t%.2f s\t%s\t%.0f MiB\t\t\t\t%s\n",
		result.Wall.Seconds(), wall, result.CPU.Seconds(), cpu, mebibytes(result.Peak), name)
	return result, nil
}

// files fills dir with files of about size bytes each, a hundred to a folder, no two alike.
func files(dir string, count, size int) error {
	random := rand.NewChaCha8([32]byte{2})
	content := make([]byte, size)
	for i := range count {
		folder := filepath.Join(dir, fmt.Sprint(i/5000), fmt.Sprint(i/100))
		if i%100 == 0 {
			if err := os.MkdirAll(folder, 0o755); err != nil {
				return err
			}
		}
		random.Read(content)
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("file-%d", i)), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// mixed fills dir with 2 GiB in files from 1 KiB to 64 MiB, of which half compress.
func mixed(dir string) error {
	random := rand.NewChaCha8([32]byte{3})
	block := make([]byte, 64<<10)
	var total int64
	for i := 0; total < big; i++ {
		size := int64(1<<10) << (i % 17)
		total += size
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("file-%d", i)))
		if err != nil {
			return err
		}
		w := bufio.NewWriter(f)
		for left := size; left > 0; left -= int64(len(block)) {
			random.Read(block)
			if i/17%2 == 0 {
				for j := range block {
					block[j] = "etaoin shrdlu\n"[block[j]%14]
				}
			}
			w.Write(block[:min(left, int64(len(block)))]) // Flush says whether it could
		}
		if err := errors.Join(w.Flush(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
