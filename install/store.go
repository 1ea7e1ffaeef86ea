package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/lock"
	"github.com/PlakarKorp/kpkg/internal/place"
	"github.com/PlakarKorp/kpkg/manifest"
)

// Hidden files are what clients pass over. All that kpkg has in the two folders beside packages, and what was extracted of
// them, begins with workPrefix.
const (
	workPrefix  = ".kpkg-"
	lockName    = workPrefix + "lock"
	journalName = workPrefix + "change.json"
)

// Store is the folders of a client, open for changes, of one run at a time.
type Store struct {
	folders Folders
	lock    *os.File
	// flush makes all below a folder last a power cut.
	flush func(folder string) error
}

// Open makes the folders where they are missing, waits for other runs to be done with them, and brings a change to its end in
// which one was killed. The error is about the file system, or ctx's.
func Open(ctx context.Context, folders Folders) (*Store, error) {
	for _, dir := range []string{folders.Packages, folders.Extracted} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("making plakar's folder of integrations: %w", err)
		}
	}
	held, err := lock.Wait(ctx, folders.pkgFile(lockName))
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", folders.Packages, err)
	}
	s := &Store{folders, held, place.SyncAll}
	if err := errors.Join(s.finish(ctx), s.sweep()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close lets other runs go on.
func (s *Store) Close() error {
	if s.lock == nil { // the file system knows no locks
		return nil
	}
	return s.lock.Close()
}

// sweep removes what killed runs were about to install.
func (s *Store) sweep() error {
	var errs []error
	for _, dir := range []string{s.folders.Packages, s.folders.Extracted} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return fmt.Errorf("reading %s: %w", dir, err)
		}
		for _, entry := range entries {
			if name := entry.Name(); strings.HasPrefix(name, workPrefix) && name != lockName && name != journalName {
				errs = append(errs, os.RemoveAll(filepath.Join(dir, name)))
			}
		}
	}
	return errors.Join(errs...)
}

// packages are the file names of the installed packages, as clients read them: sorted, of one integration or, with "", of all.
func (f Folders) packages(name string) ([]manifest.Identity, error) {
	entries, err := os.ReadDir(f.Packages)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading plakar's folder of integrations: %w", err)
	}
	var found []manifest.Identity
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		if id, err := manifest.ParseFileName(entry.Name()); err == nil && (name == "" || id.Name == name) {
			found = append(found, id)
		}
	}
	return found, nil
}
