package place

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Exchange gives the file or folder at each of two paths, on one file system, the name of the other, in one step where the
// system can: no name is without a file, and a run that is killed leaves one of the two states. Elsewhere the name b is free for
// a moment: whoever goes on after a run that was killed calls Recover first.
func Exchange(a, b string) error {
	err := exchange(a, b)
	if !errors.Is(err, errors.ErrUnsupported) {
		if err != nil {
			return fmt.Errorf("exchanging %s and %s: %w", a, b, err)
		}
		return nil
	}
	return exchangeInSteps(a, b)
}

func exchangeInSteps(a, b string) error {
	if err := Recover(b); err != nil {
		return err
	}
	if err := os.Rename(b, aside(b)); err != nil {
		return fmt.Errorf("putting %s aside: %w", b, err)
	}
	if err := os.Rename(a, b); err != nil {
		return errors.Join(fmt.Errorf("giving %s its name: %w", b, err), os.Rename(aside(b), b))
	}
	return os.Rename(aside(b), a)
}

// asideSuffix ends the name, hidden beside its own, that the second of two paths has while they are exchanged.
const asideSuffix = ".kpkg-aside"

func aside(b string) string { return filepath.Join(filepath.Dir(b), "."+filepath.Base(b)+asideSuffix) }

// Recover ends an exchange of b, and another path, in which a run was killed: what b was has its name again, or is removed where
// the new one has it already. No other run may be exchanging b.
func Recover(b string) error {
	old := aside(b)
	if _, err := os.Lstat(old); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_, err := os.Lstat(b)
	if errors.Is(err, fs.ErrNotExist) {
		err = os.Rename(old, b)
	} else if err == nil {
		err = os.RemoveAll(old)
	}
	if err != nil {
		return fmt.Errorf("ending what a killed run has begun with %s, whose former content is %s: %w", b, old, err)
	}
	return nil
}

// RecoverAll is Recover for all paths in a folder.
func RecoverAll(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("looking for what a killed run has left: %w", err)
	}
	for _, entry := range entries {
		name, is := strings.CutSuffix(entry.Name(), asideSuffix)
		if name, hidden := strings.CutPrefix(name, "."); is && hidden {
			if err := Recover(filepath.Join(folder, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// SyncFolder makes the names in a folder last a power cut, where the system can.
func SyncFolder(folder string) { syncFolder(folder) }
