package place

import (
	"errors"
	"fmt"
	"os"
)

// Exchange gives the file or folder at each of two paths, on one file system, the name of the other, in one step where the
// system can: no name is without a file, and a run that is killed leaves one of the two states. Elsewhere the name is free for
// a moment.
func Exchange(a, b string) error {
	err := exchange(a, b)
	if !errors.Is(err, errors.ErrUnsupported) {
		if err != nil {
			return fmt.Errorf("exchanging %s and %s: %w", a, b, err)
		}
		return nil
	}
	aside := b + ".aside"
	if err := os.Rename(b, aside); err != nil {
		return fmt.Errorf("putting %s aside: %w", b, err)
	}
	if err := os.Rename(a, b); err != nil {
		return errors.Join(fmt.Errorf("giving %s its name: %w", b, err), os.Rename(aside, b))
	}
	return os.Rename(aside, a)
}

// SyncFolder makes the names in a folder last a power cut, where the system can.
func SyncFolder(folder string) { syncFolder(folder) }
