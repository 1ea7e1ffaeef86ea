package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/PlakarKorp/kpkg/internal/place"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/sha256sum"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/release"
)

// change is what is to be done to a folder, written down before it is begun. It is done when its package is there, and then
// what it removes goes, whatever ends the run in between.
type change struct {
	// Add is the file name of the package that comes, "" for none, and SHA256 its sum.
	Add    string `json:"add,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	// Sum and Signature are the content of the files beside it, "" for none.
	Sum       string `json:"sum,omitempty"`
	Signature string `json:"signature,omitempty"`
	// Remove are the file names of the packages that go.
	Remove []string `json:"remove,omitempty"`
}

// maxJournal is far more than a journal has: of a signature a few hundred bytes, of a package its name.
const maxJournal = 1 << 20

// begin writes the change down.
func (s *Store) begin(c change) error {
	data, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("writing down the change: %w", err)
	}
	if err := s.write(journalName, data); err != nil {
		return fmt.Errorf("writing down the change: %w", err)
	}
	place.SyncFolder(s.folders.Packages)
	return nil
}

// write writes a file of the folder, which is on disk before it gets its name.
func (s *Store) write(name string, data []byte) error {
	file, err := os.CreateTemp(s.folders.Packages, workPrefix+"*")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Chmod(regular.SharedMode), file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), s.folders.pkgFile(name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// complete does what is left of a change whose package is there. The change is forgotten once all of it is on disk.
func (s *Store) complete(c change) error {
	s.syncFolders() // the package is there before anything goes
	var errs []error
	if c.Add != "" {
		errs = append(errs, s.beside(c.Add, release.SumExtension, c.Sum), s.beside(c.Add, release.SignatureExtension, c.Signature))
	}
	for _, name := range c.Remove {
		errs = append(errs, s.remove(name))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	s.syncFolders()
	return os.Remove(s.folders.pkgFile(journalName))
}

// beside writes a file beside a package, or removes it where there is nothing to write.
func (s *Store) beside(name, extension, content string) error {
	if content == "" {
		return gone(os.Remove(s.folders.pkgFile(name + extension)))
	}
	if err := s.write(name+extension, []byte(content)); err != nil {
		return fmt.Errorf("writing %s%s: %w", name, extension, err)
	}
	return nil
}

// remove takes away a package: the package first, as a client extracts anew what is there, then what was extracted of it.
func (s *Store) remove(name string) error {
	if err := gone(os.Remove(s.folders.pkgFile(name))); err != nil {
		return fmt.Errorf("removing %s: %w", name, err)
	}
	if err := s.removeExtracted(name); err != nil {
		return fmt.Errorf("removing what was extracted of %s: %w", name, err)
	}
	return errors.Join(s.beside(name, release.SumExtension, ""), s.beside(name, release.SignatureExtension, ""))
}

// removeExtracted takes away what was extracted of a package, all at once: a part of it a client would take as it is.
func (s *Store) removeExtracted(name string) error {
	if _, err := os.Lstat(s.folders.extracted(name)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	aside, err := os.MkdirTemp(s.folders.Extracted, workPrefix+"*")
	if err != nil {
		return err
	}
	err = gone(os.Rename(s.folders.extracted(name), filepath.Join(aside, "extracted")))
	place.SyncFolder(s.folders.Extracted)
	return errors.Join(err, os.RemoveAll(aside))
}

// finish brings the change of a killed run to its end: forwards where its package is there, else back.
func (s *Store) finish(ctx context.Context) error {
	path := s.folders.pkgFile(journalName)
	data, err := regular.Read(path, maxJournal)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the change that was not finished: %w", err)
	}
	var c change
	if err := json.Unmarshal(data, &c); err != nil || !c.plain() {
		return fmt.Errorf("the change that was not finished cannot be read: look at what is in %s, then remove %s", s.folders.Packages, path)
	}
	there := c.Add == ""
	if !there {
		if there, err = s.has(ctx, c.Add, c.SHA256); err != nil {
			return err
		}
	}
	if there {
		return s.complete(c)
	}
	// What was extracted may be of the package that did not come. Of one that is there a client extracts it again.
	if err := s.removeExtracted(c.Add); err != nil {
		return fmt.Errorf("removing what was extracted of %s: %w", c.Add, err)
	}
	return os.Remove(path)
}

// plain tells whether all names of a change are those of packages, which are in the folder and nowhere else.
func (c change) plain() bool {
	for _, name := range c.Remove {
		if _, err := manifest.ParseFileName(name); err != nil {
			return false
		}
	}
	_, err := manifest.ParseFileName(c.Add)
	return err == nil || c.Add == ""
}

// has tells whether a package is there with these bytes.
func (s *Store) has(ctx context.Context, name, sum string) (bool, error) {
	file, err := regular.Open(s.folders.pkgFile(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("opening an installed package: %w", err)
	}
	defer file.Close()
	its, _, err := sha256sum.Of(ctx, io.Reader(file))
	if err != nil {
		return false, fmt.Errorf("reading %s: %w", name, err)
	}
	return its == sum, nil
}

// syncFolders makes sure that the names in both folders are on disk. Where folders cannot be flushed, they need not be.
func (s *Store) syncFolders() {
	place.SyncFolder(s.folders.Extracted)
	place.SyncFolder(s.folders.Packages)
}

// gone is the error of removing what may not be there.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
