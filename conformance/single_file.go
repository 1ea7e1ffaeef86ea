package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/internal/regular"
)

// maxCutFile is the largest source that a shortened copy is made of, in bytes.
const maxCutFile = 256 << 20

// maxBack is how many bytes before its middle the end of a line is looked for.
const maxBack = 64 << 10

// importerCutFile imports a copy of the source that ends within its middle. Some formats do not tell that something is
// missing: then the last entry comes shortened. Entries that come whole are those that the importer chose to bring.
func importerCutFile(ctx context.Context, s *subject) error {
	whole, err := s.listing(ctx)
	if err != nil {
		return err
	}
	if len(whole.read) < 2 {
		return skipf("the source has fewer than two files in it: what is missing of one cannot be told")
	}
	name := filepath.FromSlash(host.ParseLocation(s.location).Rest)
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxCutFile {
		return skipf("a copy is made of files of at most %d MiB, and %s is none: %v", maxCutFile>>20, filepath.Base(name), err)
	}
	half := filepath.Join(s.dir, filepath.Base(name))
	end, err := copyHalf(half, name, info.Size())
	if err != nil {
		return skipf("copying the source: %v", err)
	}
	_, imp, err := s.importerOf(ctx, s.local(half), s.options())
	if err != nil {
		return nil
	}
	cut, err := readAll(ctx, imp, 4)
	if err != nil || cut.anyError() {
		return nil
	}
	entries := whole.describe()
	for name, is := range cut.describe() {
		if entries[name] != is {
			return skipf("the format does not tell that something is missing: %q comes as %s", name, is)
		}
	}
	if n, all := len(cut.records), len(whole.records); n < all {
		return fmt.Errorf("the first %d of %d bytes give %d of %d entries and no error", end, info.Size(), n, all)
	}
	return nil
}

// copyHalf copies the first half of a file, or somewhat less: a whole number of lines has no cut in it. It returns how many bytes
// these are.
func copyHalf(to, from string, size int64) (end int64, err error) {
	source, err := regular.Open(from)
	if err != nil {
		return 0, err
	}
	defer source.Close()
	end = size / 2
	around := make([]byte, 2)
	for ; end > 1 && end < size && size/2-end < maxBack; end-- {
		if _, err := source.ReadAt(around, end-1); err != nil {
			return 0, err
		}
		if around[0] != '\n' && around[1] != '\n' {
			break
		}
	}
	copied, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, err
	}
	_, err = io.CopyN(copied, source, end)
	return end, errors.Join(err, copied.Close())
}
