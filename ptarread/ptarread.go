// Package ptarread reads ptar files. A Package is opened, listed, read and extracted, and every byte of it is checked; an
// Archive is any ptar, of which more is allowed: any size, several snapshots, links, devices, what could not be read.
//
// Either comes from a stranger. Nothing in it is believed: every length is bounded before memory is taken for it, whatever
// it unpacks to is counted before it is unpacked (limits.go), every blob is compared with its MAC when it is read, and
// trees must be trees. In a package, what one structure says must be what the others say too, so that what kpkg shows is
// what plakar installs: the directory listings that plakar extracts from (the "dirpack" index) must repeat the file tree
// entry by entry.
//
// It refuses versions it does not know and compressions that no released plakar reads, as a package also what is encrypted, and it
// never follows or creates links. It proves that a file is undamaged and consistent, not who made it: the key of every MAC
// derives from an identifier in the file itself, so authenticity needs a signature. Only an encrypted archive's derives from
// its passphrase.
//
// The format is the one that integrations/ptar stores and kloset v1.1 reads; kloset's own types decode what it holds.
// kloset's repository is not used: it keeps state in databases on disk, and takes memory for lengths that it has not
// checked.
package ptarread

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/snapshot/header"

	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/remote"
)

// Package is an open package. Its methods may be called concurrently.
type Package struct {
	store
	snapshot objects.MAC
	header   *header.Header
	// lengths has one element for each blob of the index: how long the objects that list it, if it is a chunk, say that
	// it is.
	lengths []uint32

	// root is the directory of the snapshot that plakar installs.
	root string
	// tree is all of the snapshot by its paths there; entries are those that are installed.
	tree    map[string]*node
	entries []Entry
	// failures are what the writer could not read.
	failures []Failure
}

// Open opens the package at path, which may also be a URL or "-" as remote.Open takes them, and reads all that describes its
// content, which is checked on the way; the content itself is checked by Check, and when it is read.
//
// The error is or wraps a *Problem when the file is at fault, and anything else when it could not be read.
func Open(ctx context.Context, path string) (*Package, error) {
	file, size, err := OpenFile(ctx, path)
	if err != nil {
		return nil, err
	}
	pkg, err := New(ctx, file, size)
	if err != nil {
		file.Close()
		return nil, err
	}
	pkg.closer = file
	return pkg, nil
}

// OpenFile opens the file of a package for New and for those who also want its bytes as they are. size is its length. What is not
// on this machine's disk is copied to a temporary file, if it looks like a ptar: all who read it then get the same bytes.
// The errors are those of Open.
func OpenFile(ctx context.Context, path string) (file remote.Input, size int64, err error) {
	file, size, err = openInput(ctx, path, "package")
	if err != nil {
		return nil, 0, err
	}
	if size > MaxSize {
		file.Close()
		return nil, 0, problemf(TooLarge, regionFile, nowhere, "the file is %d bytes long, more than the %d of any package", size, int64(MaxSize))
	}
	if !remote.Is(path) {
		return file, size, nil
	}
	s := store{file: file, size: size}
	if problem := (*Problem)(nil); errors.As(s.readLayout(ctx), &problem) {
		return file, size, nil // New says so
	}
	if file, err = remote.Keep(ctx, file); err != nil {
		return nil, 0, fmt.Errorf("open package: %w", err)
	}
	return file, size, nil
}

// openRegular opens a regular file; what is what it should be.
func openRegular(path, what string) (*os.File, int64, error) {
	// Asked before opening: opening a pipe would wait for its other end.
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, fmt.Errorf("open %s: %w", what, err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, problemf(NotPackage, regionFile, nowhere, "%s is %s, not a %s", path, regular.AKind(info.Mode()), what)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, fmt.Errorf("open %s: %w", what, err)
	}
	if info, err = file.Stat(); err == nil && !info.Mode().IsRegular() { // another file may have the name by now
		err = errors.New("it was replaced while it was opened")
	}
	if err != nil {
		file.Close()
		return nil, 0, fmt.Errorf("open %s: %w", what, err)
	}
	return file, info.Size(), nil
}

// New is Open for a package of size bytes that r holds. A file that is no ptar is told after its first bytes are read.
func New(ctx context.Context, r io.ReaderAt, size int64) (*Package, error) {
	p := &Package{store: store{file: r, size: size, bounds: packageBounds}}
	err := steps(ctx, p.readLayout, p.readConfig, p.readIndex, p.readState, p.readSnapshot, p.readEntries, p.readIndexes)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// steps runs what opening a file takes, up to the first error.
func steps(ctx context.Context, all ...func(context.Context) error) error {
	return guard(func() error {
		for _, step := range all {
			if err := step(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// Close closes the file that Open opened.
func (p *Package) Close() error { return p.close() }

// Entries lists what plakar installs, sorted by path: the directories and files below the package's root directory,
// and whatever else is recorded there that an installation should not hold.
func (p *Package) Entries() []Entry { return slices.Clone(p.entries) }

// Entry returns the entry at a slash-separated path below the package's root.
func (p *Package) Entry(path string) (Entry, bool) {
	i, found := slices.BinarySearchFunc(p.entries, path, func(e Entry, path string) int {
		return strings.Compare(e.Path, path)
	})
	if !found {
		return Entry{}, false
	}
	return p.entries[i], true
}

// guard runs f and makes a panic of it, which only the decoding of a forged package causes, a Problem.
func guard(f func() error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = problemf(Damaged, regionFile, nowhere, "decoding failed: %v", reason)
		}
	}()
	return f()
}
