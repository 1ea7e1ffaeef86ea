package place

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// SyncAll makes all that was written below a folder last a power cut: in one step where the system can, which for many files is
// far faster than one by one.
func SyncAll(dir string) error {
	err := syncFileSystem(dir)
	if !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return syncEach(dir)
}

func syncEach(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			syncFolder(path)
			return nil
		case !d.Type().IsRegular():
			return nil
		}
		return syncFile(path)
	})
}

// syncFile flushes a file. Windows flushes none that is not open for writing, other systems any: what must not be written to is
// flushed there alone.
func syncFile(path string) error {
	err := flush(path)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	if err = file.Sync(); errors.Is(err, fs.ErrPermission) {
		err = nil
	}
	return errors.Join(err, file.Close())
}
