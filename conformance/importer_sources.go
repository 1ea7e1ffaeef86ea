package conformance

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/PlakarKorp/kloset/connectors"
)

// Sources that are out of the ordinary, made for one check each.

var importerSourceChecks = []Check{
	{ID: "importer-vanished", Title: "a file that vanishes before it is read is an error, not an empty file", needs: needsOwnFiles,
		run: importerVanished},
	{ID: "importer-bad-name", Title: "a name that is not UTF-8 costs no other entry", needs: []requirement{ownFiles, procFiles},
		run: importerBadName},
	{ID: "importer-long-path", Title: "a path of more than 3,500 bytes comes", needs: needsOwnFiles, run: importerLongPath},
	{ID: "importer-large-attribute", Title: "an extended attribute comes complete, as large as the system takes it",
		needs: needsOwnFiles, run: importerLargeAttribute},
	{ID: "importer-cut-file", Title: "a source that is one file and cut off is an error, not fewer entries",
		needs: []requirement{ownFile}, run: importerCutFile},
	{ID: "importer-many", Title: "2,000 files in one folder come", needs: needsOwnFiles, run: importerMany},
}

// newSource is a folder of the check's own with small files, to be written.
func (s *subject) newSource(count int) *tree {
	t := &tree{root: filepath.Join(s.dir, "source"), files: map[string][]byte{}}
	for i := range count {
		t.files[filepath.Join(t.root, fmt.Sprintf("file-%d", i))] = content(uint64(i), 100+i%100)
	}
	return t
}

// ownSource is a folder of the check's own with a few files, and its importer.
func (s *subject) ownSource(ctx context.Context, count int) (*tree, func() (*listing, error), error) {
	t := s.newSource(count)
	if err := t.write(); err != nil {
		return nil, nil, err
	}
	return t, func() (*listing, error) {
		_, imp, err := s.importerOf(ctx, s.local(t.root), s.options())
		if err != nil {
			return nil, err
		}
		return readAll(ctx, imp, 4)
	}, nil
}

// importerVanished removes a file when its entry comes. It may have been read before, but then all of it.
func importerVanished(ctx context.Context, s *subject) error {
	source, _, err := s.ownSource(ctx, 10)
	if err != nil {
		return err
	}
	_, imp, err := s.importerOf(ctx, s.local(source.root), s.options())
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var silent []string
	err = drive(ctx, imp, 1, func(r *connectors.Record) error {
		if _, ours := source.files[r.Pathname]; !ours || !hasContent(r) || r.IsXattr {
			return nil // a path that the plugin has made up may be anybody's file
		}
		os.Remove(r.Pathname)
		n, err := io.Copy(io.Discard, r.Reader)
		if err == nil && n != r.FileInfo.Lsize {
			mu.Lock()
			silent = append(silent, fmt.Sprintf("%q gives %d of %d bytes and no error", r.Pathname, n, r.FileInfo.Lsize))
			mu.Unlock()
		}
		return err
	})
	if len(silent) > 0 {
		return errors.New(firstFew(silent))
	}
	return err
}

func importerBadName(ctx context.Context, s *subject) error {
	source, imports, err := s.ownSource(ctx, 10)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(source.root, "bad-\xff\xfe-name"), nil, 0o644); err != nil {
		return skipf("the file system takes no such name: %v", err)
	}
	l, err := imports()
	if err != nil {
		return err
	}
	paths := l.paths()
	for i := range 10 {
		if name := filepath.Join(source.root, fmt.Sprintf("file-%d", i)); paths[name] == nil {
			return fmt.Errorf("%q does not come", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		if strings.Contains(name, "bad-") && !clean(name) {
			return fmt.Errorf("%q comes as it is", name)
		}
	}
	return nil
}

// importerLongPath stays below the 4,096 bytes that Linux takes. Other systems may take less.
func importerLongPath(ctx context.Context, s *subject) error {
	source, imports, err := s.ownSource(ctx, 1)
	if err != nil {
		return err
	}
	folder := source.root
	for len(folder) < 3500 {
		folder = filepath.Join(folder, strings.Repeat("long", 50))
	}
	file := filepath.Join(folder, strings.Repeat("x", 255))
	if err := errors.Join(os.MkdirAll(folder, 0o755), os.WriteFile(file, []byte("content"), 0o644)); err != nil {
		return skipf("the system takes no path of %d bytes: %v", len(file), err)
	}
	l, err := imports()
	if err != nil {
		return err
	}
	got, came := l.read[file]
	if !came {
		return fmt.Errorf("a file with a path of %d bytes does not come", len(file))
	}
	return got.err
}

func importerLargeAttribute(ctx context.Context, s *subject) error {
	source, imports, err := s.ownSource(ctx, 1)
	if err != nil {
		return err
	}
	file := filepath.Join(source.root, "file-0")
	var value []byte
	for _, size := range []int{60_000, 15_000, 3_000} { // what file systems take differs
		value = content(1, size)
		if err = attribute(file, "user.kpkg", value); err == nil {
			break
		}
	}
	if err != nil {
		return skipf("the file system takes no extended attributes: %v", err)
	}
	l, err := imports()
	if err != nil {
		return err
	}
	for _, r := range l.records {
		if r.IsXattr && r.Pathname == file && strings.HasSuffix(r.XattrName, "kpkg") {
			got := l.read[key(r)]
			if got.err == nil && got.sum != sha256.Sum256(value) {
				return fmt.Errorf("attribute %q comes with other content, %d bytes of %d", r.XattrName, got.size, len(value))
			}
			return got.err
		}
	}
	return skipf("it brings no extended attributes")
}

func importerMany(ctx context.Context, s *subject) error {
	const count = 2000
	source, imports, err := s.ownSource(ctx, count)
	if err != nil {
		return err
	}
	l, err := imports()
	if err != nil {
		return err
	}
	if failures := l.failures(); len(failures) > 0 {
		return fmt.Errorf("cannot read %s", firstFew(failures))
	}
	came := 0
	for name := range l.read {
		if filepath.Dir(name) == source.root {
			came++
		}
	}
	if came != count {
		return fmt.Errorf("%d of %d files come", came, count)
	}
	return nil
}
