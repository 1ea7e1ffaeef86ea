package ptarread

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/PlakarKorp/kloset/objects"

	"github.com/PlakarKorp/kpkg/internal/interruptible"
)

// Extract writes the package's directories and files into dir, which must exist. It refuses a package that holds
// anything else, never writes over a file, compares every content with its MAC, and removes what it has written when it
// fails or ctx ends.
//
// Permissions are those of the package for owner, group and others, without write access for the latter two, and with
// all for the owner of a directory. Owners and times are not restored.
func (p *Package) Extract(ctx context.Context, dir string) (err error) {
	for _, e := range p.entries {
		if !e.Mode.IsDir() && !e.Mode.IsRegular() || e.Mode&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0 {
			return fmt.Errorf("extract package: %s is of mode %v; only plain files and directories are extracted", e.Path, e.Mode)
		}
		if !filepath.IsLocal(filepath.FromSlash(e.Path)) {
			return fmt.Errorf("extract package: %q is not a name of a file here", e.Path)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("extract package: %w", err)
	}
	defer root.Close()

	var made []string
	defer func() {
		if err != nil {
			for _, name := range slices.Backward(made) {
				err = errors.Join(err, root.Remove(name))
			}
		}
	}()
	// Sorted, so that a directory comes before what is in it.
	for _, e := range p.entries {
		switch name := filepath.FromSlash(e.Path); {
		case e.Path == ".":
		case e.Mode.IsDir():
			if err := root.Mkdir(name, e.Mode.Perm()&^0o022|0o700); err != nil {
				return fmt.Errorf("extract package: %w", err)
			}
			made = append(made, name)
		default:
			file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, e.Mode.Perm()&^0o022)
			if err != nil {
				return fmt.Errorf("extract package: %w", err)
			}
			made = append(made, name)
			if err := errors.Join(p.copyTo(ctx, file, e), file.Close()); err != nil {
				return fmt.Errorf("extract %s: %w", e.Path, err)
			}
		}
	}
	return nil
}

// copyTo writes the content of an entry and compares it with its MAC.
func (p *Package) copyTo(ctx context.Context, w io.Writer, e Entry) error {
	content, err := p.OpenEntry(e.Path)
	if err != nil {
		return err
	}
	mac := p.key.Hasher()
	defer p.key.Put(mac)
	if _, err := io.Copy(io.MultiWriter(w, mac), interruptible.Reader(ctx, content)); err != nil {
		return err
	}
	if objects.MAC(mac.Sum(nil)) != e.ContentMAC {
		return problemf(Inconsistent, regionContent, nowhere, "%s does not match the MAC of its content", e.Path)
	}
	return nil
}
