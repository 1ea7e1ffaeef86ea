package try

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/PlakarKorp/kloset/snapshot/vfs"
)

// Entry is one of a data file.
type Entry struct {
	Path    string
	Mode    fs.FileMode
	Size    int64 // bytes
	ModTime time.Time
	// Target is where a symbolic link points.
	Target string
}

// Contents is what a data file says of itself.
type Contents struct {
	// Type and Origin are what the importer said of itself, such as ftp and a host's name.
	Type, Origin string
	// Root is the path that the source began at, which a restore puts at its destination.
	Root string
	// Time of the backup.
	Time time.Time
	// Failures are the entries that could not be read when it was made.
	Failures []Failure
}

// List calls each for all entries of the data file at path, in the order of its tree, up to the first error.
func List(ctx context.Context, path string, each func(Entry) error) (_ Contents, err error) {
	scratch, err := os.MkdirTemp("", "kpkg-try-")
	if err != nil {
		return Contents{}, fmt.Errorf("making a temporary folder: %w", err)
	}
	defer os.RemoveAll(scratch)
	k, err := newKContext(ctx, scratch)
	if err != nil {
		return Contents{}, err
	}
	defer closeKContext(k)
	d, err := openData(k, path)
	if err != nil {
		return Contents{}, err
	}
	defer d.close(k)
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("reading %s: %w: %v", path, errDamaged, reason)
		}
	}()
	err = d.files.WalkDir("/", func(_ string, e *vfs.Entry, err error) error {
		if err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		if cause := context.Cause(k.Context); cause != nil {
			return cause
		}
		info := e.FileInfo
		return each(Entry{e.Path(), info.Mode(), info.Size(), info.ModTime(), e.SymlinkTarget})
	})
	if err != nil {
		return Contents{}, err
	}
	source := d.snapshot.Header.GetSource(0).Importer
	contents := Contents{Type: source.Type, Origin: source.Origin, Root: source.Directory, Time: d.snapshot.Header.Timestamp}
	for failed, err := range d.files.Errors("/") {
		if err != nil {
			return Contents{}, fmt.Errorf("reading the failures of %s: %w", path, err)
		}
		if len(contents.Failures) == maxFailures {
			break
		}
		contents.Failures = append(contents.Failures, Failure{failed.Name, failed.Error})
	}
	return contents, nil
}
