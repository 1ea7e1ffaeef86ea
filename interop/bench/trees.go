package main

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// tree is a kind of files to copy.
type tree struct {
	name string
	fill func(dir string) error
}

// equal is a tree of count files of size bytes that neither compress nor repeat, a hundred to a folder.
func equal(name string, count, size int) tree {
	return tree{name, func(dir string) error {
		random := rand.NewChaCha8([32]byte{byte(count), byte(size)})
		block := make([]byte, min(size, 1<<20))
		for i := range count {
			folder := filepath.Join(dir, fmt.Sprint(i/5000), fmt.Sprint(i/100))
			if i%100 == 0 {
				if err := os.MkdirAll(folder, 0o755); err != nil {
					return err
				}
			}
			f, err := os.Create(filepath.Join(folder, fmt.Sprintf("file-%d", i)))
			if err != nil {
				return err
			}
			for left := size; left > 0; left -= len(block) {
				random.Read(block)
				if _, err := f.Write(block[:min(left, len(block))]); err != nil {
					return errors.Join(err, f.Close())
				}
			}
			if err := f.Close(); err != nil {
				return err
			}
		}
		return nil
	}}
}

// mixed is 2 GiB in files from 1 KiB to 64 MiB, of which half compress.
var mixed = tree{"2 GiB of mixed files", func(dir string) error {
	random := rand.NewChaCha8([32]byte{3})
	block := make([]byte, 64<<10)
	var total int64
	for i := 0; total < 2<<30; i++ {
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
}}

// make fills a new folder.
func (t tree) make(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return t.fill(dir)
}
