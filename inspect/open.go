// Package inspect tells what a ptar is and what is in it: any archive, and more of packages.
//
// It only reads. What it returns holds strings out of the file as they are; whoever shows them escapes them.
package inspect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"github.com/PlakarKorp/kpkg/ptarread"
)

// Opened is an archive and one snapshot of it.
type Opened struct {
	Archive  *ptarread.Archive
	Snapshot *ptarread.Snapshot
}

// Close closes the archive.
func (o *Opened) Close() error { return o.Archive.Close() }

// SeveralError is that of an archive of several snapshots of which none is named.
type SeveralError struct{ Snapshots []ptarread.SnapshotInfo }

// Error names the snapshots, the youngest first.
func (e *SeveralError) Error() string {
	const shown = 10
	var lines []string
	for i, s := range slices.Backward(e.Snapshots) {
		if len(lines) == shown {
			lines = append(lines, fmt.Sprintf("and %d more", i+1))
			break
		}
		root := ""
		if len(s.Sources) > 0 {
			root = " of " + s.Sources[0].Root
		}
		lines = append(lines, s.ID[:8]+root+", "+s.Time.UTC().Format(time.DateTime))
	}
	return fmt.Sprintf("it holds %s; name one with --snapshot, or latest: %s",
		english.Plural(len(e.Snapshots), "snapshot", ""), strings.Join(lines, "; "))
}

// OpenSnapshot opens the ptar at path and a snapshot of it: the one whose identifier begins with id, the youngest for "latest",
// and the only one there is for "". The error is a *SeveralError if that does not say which.
func OpenSnapshot(ctx context.Context, path, id string, options ptarread.Options) (*Opened, error) {
	archive, err := ptarread.OpenArchive(ctx, path, options)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if all := archive.Snapshots(); id == "" && len(all) > 1 {
		archive.Close()
		return nil, fmt.Errorf("open %s: %w", path, &SeveralError{all})
	}
	if id == "" {
		id = "latest"
	}
	snapshot, err := archive.Snapshot(ctx, id)
	if err == nil && len(snapshot.Info().Sources) == 0 {
		err = errors.New("the snapshot has no source")
	}
	if err != nil {
		archive.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return &Opened{archive, snapshot}, nil
}

// packagers are the types of the importers that packages are made with, by kpkg and by plakar.
var packagers = []string{"kpkg", "pkger"}

// IsPackage tells whether a snapshot is the package of an integration.
func IsPackage(snapshot *ptarread.Snapshot) bool {
	return slices.Contains(packagers, snapshot.Source().Type)
}
