// Package place makes files that appear under their name complete or not at all.
package place

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/PlakarKorp/kpkg/internal/ptar"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/sha256sum"
)

// File makes the file at path: write makes a new file under the temporary name it is given, in the same folder, judge
// looks at it once it is on disk, and only then does it get its name. On any error, an ended ctx included, nothing of it
// stays. Without force a file that is already there is kept, and the error wraps fs.ErrExist.
func File(ctx context.Context, path string, force bool, write, judge func(temporary string) error) (err error) {
	temporary, err := newTemporary(path)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(temporary)
		}
	}()
	if err := write(temporary); err != nil {
		return err
	}
	if err := flush(temporary); err != nil {
		return fmt.Errorf("writing %s to disk: %w", path, err)
	}
	if err := judge(temporary); err != nil {
		return err
	}
	return settle(ctx, temporary, path, force)
}

// Written is File for what one writer gives: judge is handed the open file and the SHA-256 of what was written, and the file
// that gets the name is this one, with these bytes. One that something else has written to in the meantime, or put into its
// place, is an error.
func Written(ctx context.Context, path string, force bool,
	write func(io.Writer) error, judge func(file *os.File, sum string) error) (err error) {
	temporary, err := newTemporary(path)
	if err != nil {
		return err
	}
	// Not 0600: whom the umask lets read it may do so.
	file, err := os.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("making a temporary file for %s: %w", path, err)
	}
	defer func() {
		file.Close()
		if err != nil {
			os.Remove(temporary)
		}
	}()
	h := sha256.New()
	if err := write(io.MultiWriter(file, h)); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("writing %s to disk: %w", path, err)
	}
	sum := hex.EncodeToString(h.Sum(nil))
	if err := judge(file, sum); err != nil {
		return err
	}
	now, _, err := sha256sum.Of(ctx, io.NewSectionReader(file, 0, math.MaxInt64))
	if err != nil {
		return fmt.Errorf("reading %s again: %w", path, err)
	}
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("looking at %s: %w", path, err)
	}
	if now != sum {
		return fmt.Errorf("%s was changed while it was made: something else writes there", path)
	}
	if runtime.GOOS == "windows" { // which renames no open file
		file.Close()
	}
	if err := settle(ctx, temporary, path, force); err != nil {
		return err
	}
	if named, err := os.Lstat(path); err != nil || !os.SameFile(info, named) {
		os.Remove(path)
		return fmt.Errorf("%s was replaced while it was made: something else writes there", path)
	}
	return nil
}

// newTemporary makes the folder of path and returns a name in it that is free.
func newTemporary(path string) (string, error) {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("making the output folder: %w", err)
	}
	removeStale(path)
	prefix, suffix := temporaryName(path)
	return filepath.Join(folder, prefix+rand.Text()[:randomLength]+suffix), nil
}

// settle gives the temporary file its name, unless ctx has ended.
func settle(ctx context.Context, temporary, path string, force bool) error {
	err := context.Cause(ctx)
	if err != nil {
		return err
	}
	if force {
		err = os.Rename(temporary, path)
	} else {
		err = renameNew(temporary, path)
	}
	if err != nil {
		return fmt.Errorf("giving %s its name: %w", path, err)
	}
	syncFolder(filepath.Dir(path))
	return nil
}

const randomLength = 8

// temporaryName is what the name of a temporary file for path begins and ends with. A leading dot and no .ptar at the end:
// nothing that looks for packages takes it for one.
func temporaryName(path string) (prefix, suffix string) {
	return "." + filepath.Base(path) + ".", ".tmp"
}

// staleAge is how long a temporary file was not written to, when the run that made it was killed for certain.
const staleAge = 24 * time.Hour

// removeStale removes the temporary files that killed runs have left beside path. What cannot be removed does no harm.
func removeStale(path string) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return
	}
	prefix, suffix := temporaryName(path)
	for _, entry := range entries {
		name := entry.Name()
		if len(name) != len(prefix)+randomLength+len(suffix) || !strings.HasPrefix(name, prefix) || !strings.HasSuffix(name, suffix) {
			continue
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > staleAge {
			os.Remove(filepath.Join(filepath.Dir(path), name))
		}
	}
}

// Free checks that File would not refuse the path, before the work of filling it.
func Free(path string, force bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("looking at the output: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is there and not a regular file", path)
	case !force:
		return exists(path)
	}
	return nil
}

// Replaceable checks that what force would replace is what this program makes: a ptar, or an empty file. Nothing is there
// that would be replaced: that is fine too.
func Replaceable(path string) error {
	file, err := regular.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking at the output: %w", err)
	}
	defer file.Close()
	magic := make([]byte, len(ptar.Magic))
	if n, err := io.ReadFull(file, magic); n > 0 && (err != nil || string(magic) != ptar.Magic) {
		return fmt.Errorf("%s is there and is no ptar: --force replaces packages only", path)
	}
	return nil
}

// Folder checks that the folder of path is there or can be made, and takes files, before the work of filling one. It leaves
// nothing behind.
func Folder(path string) error {
	folder := filepath.Dir(path)
	for {
		info, err := os.Stat(folder)
		if err == nil && !info.IsDir() {
			return fmt.Errorf("the output folder: %s is not a directory", folder)
		}
		if err == nil {
			break
		}
		if _, linkErr := os.Lstat(folder); linkErr == nil {
			return fmt.Errorf("the output folder: %w", err) // a link that leads nowhere, which no directory can replace
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return fmt.Errorf("the output folder: %w", err)
		}
		folder = parent
	}
	prefix, suffix := temporaryName(path)
	trial, err := os.CreateTemp(folder, prefix+"*"+suffix)
	if err != nil {
		if cause := (*fs.PathError)(nil); errors.As(err, &cause) { // which names the trial
			err = cause.Err
		}
		return fmt.Errorf("cannot write to %s: %w", folder, err)
	}
	return errors.Join(trial.Close(), os.Remove(trial.Name()))
}

// flush makes a file last a power cut, and finds out about writes that failed late. It is opened for writing because
// Windows flushes no other.
func flush(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// renameNew renames a file unless something is there under the new name, which a link, unlike a rename, refuses. File
// systems without hard links get the weaker check before the rename.
func renameNew(from, to string) error {
	err := os.Link(from, to)
	if err == nil {
		os.Remove(from) // the file is in its place; a virus scanner that holds the other name is no failure
		return nil
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
	return existsError(path + " is already there; --force replaces it")
}

// syncFolder makes the new name last a power cut, where the system can: Windows and some network file systems cannot sync
// a folder, and the file itself is on disk already.
func syncFolder(folder string) {
	if d, err := os.Open(folder); err == nil {
		d.Sync()
		d.Close()
	}
}

// existsError is an fs.ErrExist that says it once.
type existsError string

func (e existsError) Error() string   { return string(e) }
func (existsError) Is(err error) bool { return err == fs.ErrExist }
