package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

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
	file, err := os.CreateTemp(s.folders.Packages, workPrefix+"*")
	if err != nil {
		return fmt.Errorf("writing down the change: %w", err)
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), s.folders.pkgFile(journalName))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing down the change: %w", err), os.Remove(file.Name()))
	}
	return s.syncFolder()
}

// complete does what is left of a change whose package is there.
func (s *Store) complete(c change) error {
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
	return errors.Join(s.syncFolder(), os.Remove(s.folders.pkgFile(journalName)))
}

// beside writes a file beside a package, or removes it where there is nothing to write.
func (s *Store) beside(name, extension, content string) error {
	path := s.folders.pkgFile(name + extension)
	if content == "" {
		return gone(os.Remove(path))
	}
	if err := regular.Replace(path, []byte(content), regular.SharedMode); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// remove takes away a package: the package first, as a client extracts anew what is there, then what was extracted of it.
func (s *Store) remove(name string) error {
	if err := gone(os.Remove(s.folders.pkgFile(name))); err != nil {
		return fmt.Errorf("removing %s: %w", name, err)
	}
	if err := os.RemoveAll(s.folders.extracted(name)); err != nil {
		return fmt.Errorf("removing what was extracted of %s: %w", name, err)
	}
	return errors.Join(s.beside(name, release.SumExtension, ""), s.beside(name, release.SignatureExtension, ""))
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
	return errors.Join(os.RemoveAll(s.folders.extracted(c.Add)), os.Remove(path))
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

// syncFolder makes sure that the names in the folder are on disk. Where folders cannot be flushed, they need not be.
func (s *Store) syncFolder() error {
	dir, err := os.Open(s.folders.Packages)
	if err != nil {
		return err
	}
	dir.Sync()
	return dir.Close()
}

// gone is the error of removing what may not be there.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
