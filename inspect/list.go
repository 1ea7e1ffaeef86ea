package inspect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/PlakarKorp/kloset/snapshot/vfs"

	"github.com/PlakarKorp/kpkg/internal/selection"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// Entry is one of a snapshot.
type Entry struct {
	// Path is below what the snapshot's source began at; "." is that itself.
	Path    string
	Mode    fs.FileMode
	Size    int64 // bytes
	ModTime time.Time
	// Target is where a symbolic link points.
	Target string
	// Digest is the SHA-256 of a file's content in hexadecimal, if it was asked for.
	Digest string
}

// Failure is an entry that cannot be read, or could not when the snapshot was made.
type Failure struct {
	// Path is that of the snapshot, "" where it is about none.
	Path  string
	Error error
}

// maxFailures is how many failures are kept.
const maxFailures = 1000

// ListOptions say what to list.
type ListOptions struct {
	// Patterns select entries; none selects what the source began at. A folder that is selected is listed by what is in it.
	Patterns []string
	// Recursive lists what is below folders too.
	Recursive bool
	// Digest reads every file that is listed.
	Digest bool
}

// Listed is what there is to say beside the entries.
type Listed struct {
	Entries int
	// Failed counts entries that cannot be read, Missing those that the snapshot lacks. The first 1,000 of either are kept.
	Failed, Missing       int
	Failures, MissingOnes []Failure
}

// List calls each for the selected entries of a snapshot, in the order of its tree, up to the first error of each.
func List(ctx context.Context, snapshot *ptarread.Snapshot, opts ListOptions, each func(Entry) error) (Listed, error) {
	root := snapshot.Source().Root
	selected, err := selection.New(root, opts.Patterns)
	if err != nil {
		return Listed{}, err
	}
	var l Listed
	err = selected.Walk(ctx, snapshot, func(below string, e *vfs.Entry, err error) error {
		if err == nil {
			err = l.entry(ctx, snapshot, selected, opts, below, e, each)
		}
		var stop stopError
		switch {
		case err == nil || errors.Is(err, fs.SkipDir):
			return err
		case errors.As(err, &stop):
			return stop.error
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		l.Failed++
		if len(l.Failures) < maxFailures {
			failure := Failure{selected.Path(below), err}
			if errors.Is(err, selection.ErrNone) {
				failure.Path = ""
			}
			l.Failures = append(l.Failures, failure)
		}
		return nil
	})
	if err != nil {
		return l, err
	}
	return l, l.missing(ctx, snapshot, selected)
}

// stopError is an error of who is told of entries.
type stopError struct{ error }

func (l *Listed) entry(ctx context.Context, snapshot *ptarread.Snapshot, selected *selection.Selection, opts ListOptions,
	below string, e *vfs.Entry, each func(Entry) error) error {
	dir := e.IsDir()
	// What is in a folder that was asked for is listed, and not the folder, which the asker knows.
	asked := selected.Named(below) || len(opts.Patterns) == 0 && below == "."
	if dir && asked {
		return nil
	}
	if below == "." { // a source that is one file
		below = path.Base(snapshot.Source().Root)
	}
	info := e.FileInfo
	entry := Entry{Path: below, Mode: info.Mode(), Size: info.Size(), ModTime: info.ModTime(), Target: e.SymlinkTarget}
	if opts.Digest && info.Mode().IsRegular() {
		var err error
		if entry.Digest, err = digest(ctx, snapshot, e); err != nil {
			return err
		}
	}
	l.Entries++
	if err := each(entry); err != nil {
		return stopError{err}
	}
	if dir && !opts.Recursive {
		return fs.SkipDir
	}
	return nil
}

func digest(ctx context.Context, snapshot *ptarread.Snapshot, e *vfs.Entry) (string, error) {
	content, err := snapshot.Content(ctx, e.Object)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	if _, err := io.Copy(h, content); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (l *Listed) missing(ctx context.Context, snapshot *ptarread.Snapshot, selected *selection.Selection) error {
	err := snapshot.Failures(ctx, func(f ptarread.Failure) error {
		below, ok := selection.Below(snapshot.Source().Root, f.Path)
		if !ok || !selected.Has(below) {
			return nil
		}
		if l.Missing++; len(l.MissingOnes) < maxFailures {
			l.MissingOnes = append(l.MissingOnes, Failure{f.Path, errors.New(strings.ToValidUTF8(f.Message, "\uFFFD"))})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read what the snapshot lacks: %w", err)
	}
	return nil
}

// Cat writes the content of the file at a path in any form. Every byte is compared with its MAC before it is written.
func Cat(ctx context.Context, snapshot *ptarread.Snapshot, name string, out io.Writer) error {
	selected, err := selection.New(snapshot.Source().Root, nil)
	if err != nil {
		return err
	}
	e, err := snapshot.Entry(ctx, selected.Path(selected.Relative(name)))
	if err != nil {
		return err
	}
	switch mode := e.FileInfo.Mode(); {
	case mode.IsDir():
		return errors.New("it is a folder; kpkg ls lists what is in it")
	case mode&fs.ModeSymlink != 0:
		return fmt.Errorf("it is a link, to %.200q", e.SymlinkTarget)
	case !mode.IsRegular():
		return errors.New("it is no file")
	}
	content, err := snapshot.Content(ctx, e.Object)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, content)
	return err
}
