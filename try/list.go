package try

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/PlakarKorp/kloset/snapshot/vfs"

	"github.com/PlakarKorp/kpkg/ptarread"
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
	// Failures are the first 1,000 entries that could not be read when it was made.
	Failures []Failure
}

// errEnough ends a walk that has seen what it came for.
var errEnough = errors.New("enough")

// List calls each for all entries of the data file at path, in the order of its tree, up to the first error. Of several snapshots
// it is that whose identifier begins with id, the youngest for "".
func List(ctx context.Context, path, id string, passphrase Passphrase, each func(Entry) error) (Contents, error) {
	data, err := openData(ctx, path, id, passphrase)
	if err != nil {
		return Contents{}, err
	}
	defer data.Close()
	return list(ctx, data, path, each)
}

// list lists what is in a snapshot; what is what its errors call it.
func list(ctx context.Context, data *dataSnapshot, what string, each func(Entry) error) (Contents, error) {
	err := data.Walk(ctx, "/", func(name string, e *vfs.Entry, err error) error {
		if err != nil {
			return fmt.Errorf("read %s: %w", what, err)
		}
		info := e.FileInfo
		return each(Entry{name, info.Mode(), info.Size(), info.ModTime(), e.SymlinkTarget})
	})
	if err != nil {
		return Contents{}, err
	}
	source := data.Source()
	contents := Contents{Type: source.Type, Origin: source.Origin, Root: source.Root, Time: data.Info().Time}
	err = data.Failures(ctx, func(f ptarread.Failure) error {
		if len(contents.Failures) == maxFailures {
			return errEnough
		}
		contents.Failures = append(contents.Failures, Failure{f.Path, shorten(f.Message)})
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return Contents{}, fmt.Errorf("read what is missing in %s: %w", what, err)
	}
	return contents, nil
}
