package create

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// place makes the file at path: write fills a temporary file beside it, judge looks at that file, and only then does it
// get its name. On any error, an ended ctx included, nothing of it stays. Without force a file that is already there is
// kept and is an error.
func place(ctx context.Context, path string, force bool, write func(*os.File) error, judge func(temporary string) error) (err error) {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("making the output folder: %w", err)
	}
	// A leading dot and no .ptar at the end: nothing that looks for packages takes it for one.
	// Not os.CreateTemp, whose 0600 would keep the package from those the umask lets read it.
	temporary := filepath.Join(folder, "."+filepath.Base(path)+"."+rand.Text()[:8]+".tmp")
	f, err := os.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("making a temporary file for %s: %w", path, err)
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(temporary)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("writing %s to disk: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := judge(temporary); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if force {
		err = os.Rename(temporary, path)
	} else {
		err = renameNew(temporary, path)
	}
	if err != nil {
		return fmt.Errorf("giving the package its name: %w", err)
	}
	syncFolder(folder)
	return nil
}

// renameNew renames a file unless something is there under the new name, which a link, unlike a rename, refuses. File
// systems without hard links get the weaker check before the rename.
func renameNew(from, to string) error {
	err := os.Link(from, to)
	if err == nil {
		return os.Remove(from)
	}
	if errors.Is(err, fs.ErrExist) {
		return exists(to)
	}
	if _, err := os.Lstat(to); err == nil {
		return exists(to)
	}
	return os.Rename(from, to)
}

func exists(path string) error {
	return fmt.Errorf("%s is already there; --force replaces it: %w", path, fs.ErrExist)
}

// syncFolder makes the new name last a power cut, where the system can: Windows and some network file systems cannot sync
// a folder, and the file itself is on disk already.
func syncFolder(folder string) {
	if d, err := os.Open(folder); err == nil {
		d.Sync()
		d.Close()
	}
}
