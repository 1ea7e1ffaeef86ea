package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/snapshot/vfs"

	"github.com/PlakarKorp/kpkg/internal/selection"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// format is a tar or a zip that is being written.
type format interface {
	// folder, link and file add an entry at a path below the source's root; content has size bytes.
	folder(name string, e *vfs.Entry, attributes map[string]string) error
	link(name string, e *vfs.Entry, attributes map[string]string) error
	// hardLink adds another name of the file that was added at a path; errNoHardLinks for a format that has none.
	hardLink(name, to string, e *vfs.Entry) error
	file(name string, e *vfs.Entry, attributes map[string]string, size int64, content io.Reader) error
	close() error
}

// sequence writes entries one after another, each folder before what is in it, into a format.
type sequence struct {
	tally
	ctx      context.Context
	snapshot *ptarread.Snapshot
	selected *selection.Selection
	opts     Options
	to       format
	// inside are the folders that were written last, each in the one before.
	inside []string
	// inodes are files of several names.
	inodes inodes
}

// errNoHardLinks is that of a format in which each name of a file is a file.
var errNoHardLinks = errors.New("no hard links")

// brokenError is an error with which a tar or a zip ends: of who takes it.
type brokenError struct{ error }

func (e brokenError) Unwrap() error { return e.error }

func writeSequence(ctx context.Context, snapshot *ptarread.Snapshot, opts Options, to format) (Result, error) {
	s := &sequence{ctx: ctx, snapshot: snapshot, opts: opts, to: to}
	var err error
	if s.selected, err = selection.New(snapshot.Source().Root, opts.Patterns); err != nil {
		return Result{}, err
	}
	if err := s.missing(ctx, snapshot, s.selected); err != nil {
		return s.now(), err
	}
	err = s.selected.Walk(ctx, snapshot, func(below string, e *vfs.Entry, err error) error {
		if err == nil {
			err = s.entry(below, e)
		}
		var broken brokenError
		switch {
		case err == nil:
			if opts.Progress != nil {
				opts.Progress(s.now())
			}
			return nil
		case errors.As(err, &broken):
			return broken.error
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		name := s.selected.Path(below)
		if errors.Is(err, selection.ErrNone) {
			name = ""
		}
		s.fail(name, err)
		return nil
	})
	if err == nil {
		err = to.close()
	}
	return s.now(), err
}

func (s *sequence) entry(below string, e *vfs.Entry) error {
	if below == "." && e.IsDir() {
		return nil
	}
	if below == "." {
		below = path.Base(s.snapshot.Source().Root)
	}
	if err := s.enter(path.Dir(below)); err != nil {
		return err
	}
	return s.write(below, e)
}

// enter writes the folders that a path is in, unless they are written.
func (s *sequence) enter(folder string) error {
	if folder == "." {
		s.inside = s.inside[:0]
		return nil
	}
	for n := len(s.inside); n > 0 && folder != s.inside[n-1] && !strings.HasPrefix(folder, s.inside[n-1]+"/"); n-- {
		s.inside = s.inside[:n-1]
	}
	if n := len(s.inside); n > 0 && s.inside[n-1] == folder {
		return nil
	}
	if err := s.enter(path.Dir(folder)); err != nil {
		return err
	}
	e, err := s.snapshot.Entry(s.ctx, s.selected.Path(folder))
	if err != nil {
		return err
	}
	return s.write(folder, e)
}

func (s *sequence) write(below string, e *vfs.Entry) error {
	switch mode := e.FileInfo.Mode(); {
	case e.IsDir():
		attributes, err := s.attributes(below, e)
		if err != nil {
			return err
		}
		if err := s.to.folder(below, e, attributes); err != nil {
			return err
		}
		s.inside = append(s.inside, below)
		s.folders.Add(1)
	case isLink(e):
		attributes, err := s.attributes(below, e)
		if err != nil {
			return err
		}
		if err := s.to.link(below, e, attributes); err != nil {
			return err
		}
		s.links.Add(1)
	case mode.IsRegular():
		return s.file(below, e)
	default:
		return errKind(mode)
	}
	return nil
}

// file writes a file once all of its content is known to be good: what has begun in a tar or a zip cannot be taken back.
func (s *sequence) file(below string, e *vfs.Entry) error {
	known, first := s.inodes.meet(below, e)
	if known != nil && !first && known.written {
		if err := s.to.hardLink(below, known.below, e); !errors.Is(err, errNoHardLinks) {
			if err == nil {
				s.files.Add(1)
			}
			return err
		}
	}
	attributes, err := s.attributes(below, e)
	if err != nil {
		return err
	}
	content, size, err := s.whole(e.Object)
	if err != nil {
		return err
	}
	if err := s.to.file(below, e, attributes, size, content); err != nil {
		return err
	}
	if first {
		known.written = true
	}
	s.files.Add(1)
	s.bytes.Add(size)
	return nil
}

// held is up to which length a content is kept in memory to be checked; a longer one is read twice.
const held = 8 << 20

// whole is a content all of which was read and compared with its MACs.
func (s *sequence) whole(object objects.MAC) (io.Reader, int64, error) {
	_, size, err := s.snapshot.ContentMAC(s.ctx, object)
	if err != nil {
		return nil, 0, err
	}
	content, err := s.snapshot.Content(s.ctx, object)
	if err != nil {
		return nil, 0, err
	}
	if size <= held {
		data := make([]byte, size)
		if _, err := io.ReadFull(content, data); err != nil {
			return nil, 0, err
		}
		return bytes.NewReader(data), size, nil
	}
	if _, err := io.Copy(io.Discard, content); err != nil {
		return nil, 0, err
	}
	content, err = s.snapshot.Content(s.ctx, object)
	return content, size, err
}

// attributes are the extended attributes of an entry and their values.
func (s *sequence) attributes(below string, e *vfs.Entry) (map[string]string, error) {
	found, err := s.snapshot.AttributesOf(s.ctx, e.Path(), e)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	values := map[string]string{}
	for _, a := range found {
		if a.Type != objects.AttributeExtended {
			continue
		}
		content, err := s.snapshot.Content(s.ctx, a.Object)
		if err != nil {
			return nil, err
		}
		value, err := io.ReadAll(io.LimitReader(content, maxAttribute+1))
		if err != nil {
			return nil, err
		}
		if len(value) > maxAttribute {
			return nil, fmt.Errorf("the attribute %.80q has more than %d bytes", a.Name, maxAttribute)
		}
		values[a.Name] = string(value)
	}
	return values, nil
}
