// Package extract writes what a snapshot of a ptar holds into a folder, a tar or a zip.
//
// The snapshot comes from a stranger. Nothing is written outside of the folder that was named, whatever names and links say: each
// folder is opened below the one it is in (os.Root), and nothing that was there before is followed or replaced unless that is
// asked for. Every byte is compared with its MAC before it is written. Devices and sockets are never made, and files get
// neither setuid nor setgid. What fails at one entry does not keep the others from being extracted.
package extract

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/PlakarKorp/kloset/snapshot/vfs"

	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/selection"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// Options say what to extract, and how.
type Options struct {
	// Patterns select entries: see selection.New. None selects all.
	Patterns []string
	// Force replaces what is in the way in a folder.
	Force bool
	// Owners sets owners and groups in a folder, which takes root.
	Owners bool
	// Progress is told how many entries are done, now and then; nil for nobody.
	Progress func(Result)
}

// Failure is an entry that was not extracted as it should be. Path is as it is in the snapshot.
type Failure struct {
	Path  string
	Error error
}

// maxFailures is how many failures are kept.
const maxFailures = 1000

// Result is what was extracted.
type Result struct {
	Files, Folders, Links int
	// Bytes is the length of all files together, those of several names counted once where the others are hard links.
	Bytes int64
	// Failed counts entries that were not extracted as they should be, Missing those that the snapshot itself lacks.
	Failed, Missing int
	// Failures are the first 1,000 of both.
	Failures []Failure
	// SetIDs counts files that lost setuid or setgid, Owners entries that belonged to another than who has them now.
	SetIDs, Owners int
}

// tally counts, for any number of goroutines.
type tally struct {
	files, folders, links, bytes, setIDs, owners atomic.Int64

	mu     sync.Mutex
	result Result
}

func (t *tally) fail(path string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.result.Failed++
	t.keep(path, err)
}

func (t *tally) keep(path string, err error) {
	if len(t.result.Failures) < maxFailures {
		t.result.Failures = append(t.result.Failures, Failure{path, err})
	}
}

// now is the result so far.
func (t *tally) now() Result {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.result
	r.Files, r.Folders, r.Links = int(t.files.Load()), int(t.folders.Load()), int(t.links.Load())
	r.Bytes, r.SetIDs, r.Owners = t.bytes.Load(), int(t.setIDs.Load()), int(t.owners.Load())
	return r
}

// missing counts what the snapshot's writer could not read, of what is selected.
func (t *tally) missing(ctx context.Context, snapshot *ptarread.Snapshot, selected *selection.Selection) error {
	return snapshot.Failures(ctx, func(f ptarread.Failure) error {
		below, ok := selection.Below(snapshot.Source().Root, f.Path)
		if !ok || !selected.Has(below) {
			return nil
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.result.Missing++
		t.keep(f.Path, fmt.Errorf("it is not in the snapshot, since it could not be read: %.500s", f.Message))
		return nil
	})
}

// fatal tells errors with which nothing more can be written.
func fatal(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS) ||
		errors.Is(err, syscall.EPIPE)
}

// errKind is the failure of an entry that is neither a file nor a folder nor a link.
func errKind(mode fs.FileMode) error {
	return fmt.Errorf("it is %s, which is not extracted", regular.AKind(mode))
}

// isLink tells symbolic links.
func isLink(e *vfs.Entry) bool { return e.FileInfo.Mode()&fs.ModeSymlink != 0 }
