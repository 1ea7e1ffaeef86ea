package conformance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/PlakarKorp/kpkg/host"
)

// maxCutFile is the largest source that a shortened copy is made of, in bytes.
const maxCutFile = 256 << 20

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
	data, err := os.ReadFile(name)
	if err != nil {
		return skipf("copying the source: %v", err)
	}
	end := len(data) / 2
	for end > 1 && end < len(data) && (data[end-1] == '\n' || data[end] == '\n') { // a whole number of lines has no cut in it
		end--
	}
	half := filepath.Join(s.dir, filepath.Base(name))
	if err := os.WriteFile(half, data[:end], 0o600); err != nil {
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
		return fmt.Errorf("the first %d of %d bytes give %d of %d entries and no error", end, len(data), n, all)
	}
	return nil
}
