package try

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/suggest"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// packagers are the types of the importers that packages are made with, by kpkg and by plakar.
var packagers = []string{"kpkg", "pkger"}

// What backups go into, in messages.
const (
	theDataFile = "the data file"
	theSnapshot = "the snapshot"
)

var errPackage = errors.New("it is a package, not a data file")

// dataSnapshot is an open data file, or store, and one snapshot of it.
type dataSnapshot struct {
	*ptarread.Snapshot
	archive *ptarread.Archive
	what    string // it is called in messages
}

func (d *dataSnapshot) Close() error { return d.archive.Close() }

// openData opens a data file and the snapshot whose identifier begins with id, the youngest for "". An encrypted one takes a
// passphrase; nil refuses it.
func openData(ctx context.Context, path, id string, passphrase Passphrase) (*dataSnapshot, error) {
	data, err := openSnapshot(ctx, path, cmp.Or(id, "latest"), ptarread.Options{Passphrase: passphrase})
	var problem *ptarread.Problem
	switch {
	case errors.Is(err, fs.ErrNotExist) && strings.Contains(path, "://"):
		return nil, fmt.Errorf("there is no data file at %s: %w", path, err)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no data file %s%s", path, cmp.Or(suggest.Beside(path), ": kpkg try backup makes data files"))
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("you may not read %s: %w", path, fs.ErrPermission)
	case errors.As(err, &problem) && problem.Kind == ptarread.NotPackage:
		return nil, fmt.Errorf("%s is no data file: %s", path, problem.Message)
	}
	if err == nil && slices.Contains(packagers, data.Source().Type) {
		data.Close()
		err = errPackage
	}
	if err != nil {
		return nil, fmt.Errorf("open data file %s: %w", path, err)
	}
	return data, nil
}

// checkRoot makes sure that there is something to restore: what is above the path that the source began at is not.
func checkRoot(ctx context.Context, data *dataSnapshot) error {
	if _, err := data.Entry(ctx, data.Source().Root); err != nil {
		return fmt.Errorf("where it begins: %w", err)
	}
	return nil
}

func openSnapshot(ctx context.Context, path, id string, options ptarread.Options) (*dataSnapshot, error) {
	archive, err := ptarread.OpenArchive(ctx, path, options)
	if err != nil {
		return nil, err
	}
	snapshot, err := archive.Snapshot(ctx, id)
	if err != nil {
		archive.Close()
		return nil, err
	}
	return &dataSnapshot{snapshot, archive, theDataFile}, nil
}
