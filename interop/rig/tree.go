package rig

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// file is an entry of the tree that backups carry.
type file struct {
	name   string
	mode   fs.FileMode
	size   int    // of a regular file
	target string // of a symbolic link
}

// Names and modes that connectors get wrong, sizes around the buffers and chunks that they cut files into.
var tree = []file{
	{name: "empty", mode: 0o644},
	{name: "one byte", mode: 0o600, size: 1},
	{name: "plain.txt", mode: 0o644, size: 4096},
	{name: ".hidden", mode: 0o640, size: 100},
	{name: " leading and trailing ", mode: 0o644, size: 10},
	{name: "[bracket]*?", mode: 0o644, size: 10},
	{name: "-option", mode: 0o644, size: 10},
	{name: "semi;colon=x; y", mode: 0o644, size: 10},
	{name: "naïve 文字", mode: 0o644, size: 10},
	{name: "quote\"and'back\\slash", mode: 0o644, size: 10},
	{name: "percent%20", mode: 0o644, size: 10},
	{name: "program", mode: 0o755, size: 70000},
	{name: "read-only", mode: 0o444, size: 10},
	{name: "large", mode: 0o644, size: 9<<20 + 1},
	{name: "folder", mode: fs.ModeDir | 0o755},
	{name: "folder/deeper", mode: fs.ModeDir | 0o700},
	{name: "folder/deeper/still deeper", mode: fs.ModeDir | 0o755},
	{name: "folder/deeper/still deeper/file", mode: 0o644, size: 1 << 20},
	{name: "folder/empty", mode: fs.ModeDir | 0o755},
	{name: "link", mode: fs.ModeSymlink, target: "plain.txt"},
	{name: "folder/link up", mode: fs.ModeSymlink, target: "../one byte"},
	{name: "link to folder", mode: fs.ModeSymlink, target: "folder"},
}

// WriteTree fills the folder dir, which must exist and be empty. Content and times are the same each time.
func WriteTree(dir string) error {
	random := rand.NewChaCha8([32]byte{})
	for _, f := range tree {
		name := filepath.Join(dir, f.name)
		var err error
		switch {
		case f.mode.IsDir():
			err = os.Mkdir(name, 0o700)
		case f.target != "":
			err = os.Symlink(f.target, name)
		default:
			content := make([]byte, f.size)
			random.Read(content)
			err = os.WriteFile(name, content, 0o600)
		}
		if err != nil {
			return err
		}
	}
	// Modes and times last: writing into a folder changes its time. Whole seconds are what FTP carries.
	for i, f := range slices.Backward(tree) {
		if f.target != "" {
			continue
		}
		name := filepath.Join(dir, f.name)
		if err := os.Chmod(name, f.mode.Perm()); err != nil {
			return err
		}
		modified := time.Date(2020, 2, 29, 12, 0, i, 0, time.UTC)
		if err := os.Chtimes(name, modified, modified); err != nil {
			return err
		}
	}
	return nil
}

// Describe gives one line for each entry below dir, by path: mode, time, and content or target. Times of symbolic links
// are left out, for FTP does not carry them.
func Describe(dir string) (map[string]string, error) {
	lines := make(map[string]string)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name == dir {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		var line string
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			line, err = os.Readlink(name)
			line = "link " + line
		case info.IsDir():
			line = fmt.Sprint(info.Mode(), " ", info.ModTime().UTC())
		default:
			var content []byte
			content, err = os.ReadFile(name)
			sum := sha256.Sum256(content)
			line = fmt.Sprint(info.Mode(), " ", info.ModTime().UTC(), " ", len(content), " ", hex.EncodeToString(sum[:]))
		}
		rel, relErr := filepath.Rel(dir, name)
		if relErr != nil {
			return relErr
		}
		lines[rel] = line
		return err
	})
	return lines, err
}

// Differences compares two trees, one line for each entry that differs.
func Differences(want, got string) ([]string, error) {
	wanted, err := Describe(want)
	if err != nil {
		return nil, err
	}
	found, err := Describe(got)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if found[name] != wanted[name] {
			lines = append(lines, fmt.Sprintf("%q: got %q, want %q", name, found[name], wanted[name]))
		}
		delete(found, name)
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		lines = append(lines, fmt.Sprintf("%q: got %q, want nothing", name, found[name]))
	}
	return lines, nil
}
