package conformance

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/PlakarKorp/kloset/connectors"
)

// What an import brings.

var importerGates = []Check{
	{ID: "importer-complete", Title: "an import ends without an error and all of it can be read", gate: true,
		needs: needsLocation, run: importerComplete},
}

var importerContentChecks = []Check{
	{ID: "importer-everything", Title: "every file and link of the source comes", needs: needsOwnFiles, run: importerEverything},
	{ID: "importer-content", Title: "contents and link targets are the source's", needs: needsOwnFiles, run: importerContent},
	{ID: "importer-paths", Title: "paths are absolute, clean and UTF-8", needs: needsLocation, run: importerPaths},
	{ID: "importer-duplicates", Title: "no entry comes twice", needs: needsLocation, run: importerDuplicates},
	{ID: "importer-fileinfo", Title: "names, sizes and modes make sense", needs: needsLocation, run: importerFileInfo},
	{ID: "importer-root", Title: "all entries are below the root, or above it", needs: needsLocation, run: importerRoot},
	{ID: "importer-parents", Title: "every entry's folder comes too", needs: needsLocation, run: importerParents},
	{ID: "importer-sizes", Title: "readers give as many bytes as the entry says", needs: needsLocation, run: importerSizes},
	{ID: "importer-xattrs", Title: "extended attributes belong to entries", needs: needsLocation, run: importerXattrs},
	{ID: "importer-times", Title: "times are the source's", needs: needsOwnFiles, run: importerTimes},
}

// listing imports the source once for all checks that only look at what comes.
func (s *subject) listing(ctx context.Context) (*listing, error) {
	s.importing.Do(func() {
		p, imp, err := s.importer(ctx)
		if err == nil {
			begin := time.Now()
			if s.listed, err = readAll(ctx, imp, 4); err == nil {
				s.measure(ctx, p, "import", len(s.listed.records), s.listed.bytes(), time.Since(begin))
			}
		}
		s.listError = err
	})
	return s.listed, s.listError
}

// changing are the entries that differ from read to read, such as a dump with its time in it, when nothing is done but to
// import twice. What was made for the test does not change.
func (s *subject) changing(ctx context.Context) (map[string]bool, error) {
	first, err := s.listing(ctx)
	if err != nil || s.tree != nil || repeatable(s) != "" {
		return nil, err
	}
	s.rereading.Do(func() {
		_, imp, err := s.importer(ctx)
		if err != nil {
			s.rereadError = err
			return
		}
		second, err := readAll(ctx, imp, 4)
		if err != nil {
			s.rereadError = err
			return
		}
		s.changes = first.differing(second)
	})
	return s.changes, s.rereadError
}

func importerComplete(ctx context.Context, s *subject) error {
	l, err := s.listing(ctx)
	if err != nil {
		return err
	}
	if failures := l.failures(); len(failures) > 0 {
		return fmt.Errorf("cannot read %s", firstFew(failures))
	}
	if len(l.paths()) == 0 {
		return errors.New("nothing comes; a source with something in it is needed")
	}
	return nil
}

func importerEverything(ctx context.Context, s *subject) error {
	l, err := s.listing(ctx)
	if err != nil {
		return err
	}
	var lost []string
	paths := l.paths()
	for name := range s.tree.files {
		if r := paths[name]; r == nil || !r.FileInfo.Lmode.IsRegular() {
			lost = append(lost, fmt.Sprintf("file %q", name))
		}
	}
	for name := range s.tree.links {
		if r := paths[name]; r == nil || r.FileInfo.Lmode.Type() != fs.ModeSymlink {
			lost = append(lost, fmt.Sprintf("link %q", name))
		}
	}
	if slices.Sort(lost); len(lost) > 0 {
		return fmt.Errorf("missing: %s", firstFew(lost))
	}
	return nil
}

func importerContent(ctx context.Context, s *subject) error {
	l, err := s.listing(ctx)
	if err != nil {
		return err
	}
	for name, r := range l.paths() {
		// Another length is for importer-sizes to judge.
		want, known := s.tree.files[name]
		if got := l.read[name]; known && got.size == int64(len(want)) && got.sum != sha256.Sum256(want) {
			return fmt.Errorf("%q has other bytes than the file", name)
		}
		if target, known := s.tree.links[name]; known && r.Target != target {
			return fmt.Errorf("link %q leads to %q instead of %q", name, r.Target, target)
		}
	}
	return nil
}

// clean tells whether a path is as kloset wants them.
func clean(name string) bool {
	return strings.HasPrefix(name, "/") && path.Clean(name) == name && utf8.ValidString(name) &&
		!strings.ContainsRune(name, 0)
}

func importerPaths(ctx context.Context, s *subject) error {
	l, err := s.listing(ctx)
	if err != nil {
		return err
	}
	for _, r := range l.records {
		if !clean(r.Pathname) {
			return fmt.Errorf("%q is not absolute, clean and UTF-8", r.Pathname)
		}
	}
	return nil
}

func importerDuplicates(ctx context.Context, s *subject) error {
	l, err := s.listing(ctx)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, r := range l.records {
		if r.Err == nil && seen[key(r)] {
			return fmt.Errorf("%q comes twice", key(r))
		}
		seen[key(r)] = seen[key(r)] || r.Err == nil
	}
	return nil
}

// knownModes are the bits of a mode that mean something. A mode of Unix that was not converted sets others.
const knownModes = fs.ModeType | fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky | fs.ModeAppend |
	fs.ModeExclusive | fs.ModeTemporary

func importerFileInfo(ctx context.Context, s *subject) error {
	l, err := s.listing(ctx)
	if err != nil {
		return err
	}
	paths := l.paths()
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		switch info := paths[name].FileInfo; {
		case clean(name) && info.Lname != path.Base(name):
			return fmt.Errorf("%q is named %q", name, info.Lname)
		case info.Lsize < 0:
			return fmt.Errorf("%q has size %d", name, info.Lsize)
		case info.Lmode&^knownModes != 0:
			return fmt.Errorf("%q has mode %#o, of which %#o means nothing: is it a mode of Unix, or hexadecimal?",
				name, uint32(info.Lmode), uint32(info.Lmode&^knownModes))
		case info.Lmode.Type() == fs.ModeSymlink && paths[name].Target == "":
			return fmt.Errorf("link %q has no target", name)
		}
	}
	return nil
}

func below(name, root string) bool {
	return name == root || strings.HasPrefix(name, strings.TrimSuffix(root, "/")+"/")
}

func importerRoot(ctx context.Context, s *subject) error {
	l, err := s.listing(ctx)
	if err != nil {
		return err
	}
	for _, r := range l.records {
		if clean(r.Pathname) && !below(r.Pathname, l.root) && !below(l.root, r.Pathname) {
			return fmt.Errorf("%q is not below the root %q", r.Pathname, l.root)
		}
	}
	return nil
}

// foldersUnknown are the classes of sources that have no folders: what looks like one is a part of a name.
var foldersUnknown = []string{"object-storage", "database"}

// misses tells whether the source has lost a folder that does not come, with its permissions and time. A source without
// folders has none to lose, nor is the folder lost that all entries are below: the source begins there.
func (s *subject) misses(paths map[string]*connectors.Record, folder string) bool {
	if slices.Contains(foldersUnknown, s.config.Class) {
		return false
	}
	folders, outside := false, false
	for name, r := range paths {
		folders = folders || r.FileInfo.Lmode.IsDir()
		outside = outside || !below(name, folder)
	}
	return folders && outside
}

func importerParents(ctx context.Context, s *subject) error {
	l, err := s.listing(ctx)
	if err != nil {
		return err
	}
	paths := l.paths()
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		if !clean(name) || name == l.root || !below(name, l.root) {
			continue
		}
		if parent := paths[path.Dir(name)]; parent == nil || !parent.FileInfo.Lmode.IsDir() {
			if s.tree == nil && !s.misses(paths, path.Dir(name)) {
				return skipf("%q comes, its folder %q does not: plakar makes it, with no time or permissions of the source",
					name, path.Dir(name))
			}
			return fmt.Errorf("%q comes, its folder %q does not", name, path.Dir(name))
		}
	}
	return nil
}

func importerSizes(ctx context.Context, s *subject) error {
	l, err := s.listing(ctx)
	if err != nil {
		return err
	}
	var unknown error
	for _, r := range l.records {
		got := l.read[key(r)]
		if !hasContent(r) || r.IsXattr || got.size == r.FileInfo.Lsize {
			continue
		}
		if s.tree != nil || r.FileInfo.Lsize != 0 {
			return fmt.Errorf("%q has %d bytes and says %d", r.Pathname, got.size, r.FileInfo.Lsize)
		}
		unknown = skipf("%q has %d bytes and says 0, as a dump does of unknown size: plakar counts them itself", r.Pathname, got.size)
	}
	return unknown
}

func importerXattrs(ctx context.Context, s *subject) error {
	l, err := s.listing(ctx)
	if err != nil {
		return err
	}
	paths, found := l.paths(), false
	for _, r := range l.records {
		if r.IsXattr {
			found = true
			if entry := paths[r.Pathname]; entry == nil || !slices.Contains(entry.ExtendedAttributes, r.XattrName) {
				return fmt.Errorf("attribute %q of %q is not announced by an entry", r.XattrName, r.Pathname)
			}
		}
	}
	if !found {
		return skipf("nothing in the source has extended attributes")
	}
	return nil
}

func importerTimes(ctx context.Context, s *subject) error {
	l, err := s.listing(ctx)
	if err != nil {
		return err
	}
	for name, r := range l.paths() {
		if _, ours := s.tree.files[name]; ours && !r.FileInfo.LmodTime.Equal(fileTime) {
			return fmt.Errorf("%q is of %v, and says %v", name, fileTime, r.FileInfo.LmodTime)
		}
	}
	return nil
}
