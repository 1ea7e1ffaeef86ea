package try

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/exporter"
	"github.com/PlakarKorp/kloset/location"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/snapshot/vfs"

	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// errNoResult is the failure of an entry that an exporter took and never spoke of again.
var errNoResult = errors.New("the exporter did not say what became of it")

// errEnded ends the sending to an exporter that has failed.
var errEnded = errors.New("the exporter has ended")

// export sends all that is below the root of a data file to an exporter as plakar does: each folder before what is in it,
// then the extended attributes if the exporter asks for them. Every entry counts as restored or as failed in the tally,
// by the exporter's results; one without a result has failed, and so has what the data file lacks.
func export(ctx context.Context, data *dataSnapshot, exp exporter.Exporter, tally *tally) error {
	err := data.Failures(ctx, func(f ptarread.Failure) error {
		tally.fail(f.Path, fmt.Errorf("it is not in %s: %s", data.what, f.Message))
		return nil
	})
	if err != nil {
		return fmt.Errorf("read what %s lacks: %w", data.what, err)
	}
	root := data.Source().Root
	top, err := data.Entry(ctx, root)
	if err != nil {
		return fmt.Errorf("read where %s begins: %w", data.what, err)
	}
	s := &sender{
		data: data, root: root, above: root, tally: tally, attributes: exp.Flags()&location.FLAG_EXPORTXATTR != 0,
		records: make(chan *connectors.Record), ended: make(chan struct{}), open: map[sent]int{},
	}
	if !top.IsDir() {
		s.above = path.Dir(root)
	}
	results := make(chan *connectors.Result)
	var both sync.WaitGroup
	var sendErr error
	both.Go(func() {
		defer close(s.records)
		sendErr = s.send(ctx)
	})
	both.Go(func() { s.listen(ctx, results) })
	s.err = exp.Export(ctx, s.records, results)
	close(s.ended)
	both.Wait()
	if s.err != nil {
		return s.err
	}
	for e := range s.open {
		tally.fail(e.path, errNoResult)
	}
	if sendErr != nil {
		return fmt.Errorf("read %s: %w", data.what, sendErr)
	}
	return nil
}

// sender gives the entries of a data file to one exporter.
type sender struct {
	data *dataSnapshot
	root string
	// above is what the exporter gets as "/": the root, or the folder of a root that is a file.
	above      string
	tally      *tally
	attributes bool // the exporter takes them

	records chan *connectors.Record
	// ended is closed when the exporter has ended, with err.
	ended chan struct{}
	err   error

	mu sync.Mutex
	// open are what was sent and not reported, and how often.
	open map[sent]int
}

// sent is what a result is about.
type sent struct{ path, attribute string }

func (s *sender) send(ctx context.Context) error {
	err := s.data.Walk(ctx, s.root, func(name string, e *vfs.Entry, err error) error {
		if err != nil {
			s.tally.fail(s.below(name), err)
			return nil
		}
		return s.sendEntry(ctx, name, e)
	})
	if err == nil {
		err = s.data.Attributes(ctx, func(a ptarread.Attribute) error { return s.sendAttribute(ctx, a) })
	}
	if errors.Is(err, errEnded) {
		return nil
	}
	return err
}

// below is a path as the exporter gets it.
func (s *sender) below(name string) string { return path.Join("/", strings.TrimPrefix(name, s.above)) }

func (s *sender) sendEntry(ctx context.Context, name string, e *vfs.Entry) error {
	target := s.below(name)
	if name == s.root && s.root != s.above {
		folder := objects.FileInfo{Lname: "/", Lmode: fs.ModeDir | 0o700, LmodTime: time.Now()}
		if err := s.put(connectors.NewRecord("/", "", folder, nil, noContent)); err != nil {
			return err
		}
	}
	switch mode := e.FileInfo.Mode(); {
	case mode.IsRegular():
		return s.put(connectors.NewRecord(target, e.SymlinkTarget, e.FileInfo, e.ExtendedAttributes, s.content(ctx, e.Object, true)))
	case mode.IsDir(), mode.Type() == fs.ModeSymlink:
		return s.put(connectors.NewRecord(target, e.SymlinkTarget, e.FileInfo, e.ExtendedAttributes, noContent))
	default:
		// Exporters take them and make nothing of them, without a word.
		s.tally.fail(target, fmt.Errorf("it is %s; only files, folders and symbolic links are restored", regular.AKind(mode)))
		return nil
	}
}

func (s *sender) sendAttribute(ctx context.Context, a ptarread.Attribute) error {
	if a.Path != s.root && !strings.HasPrefix(a.Path, strings.TrimSuffix(s.root, "/")+"/") {
		return nil
	}
	if !s.attributes {
		s.tally.change(func(p *Progress) { p.AttributesLeft++ })
		return nil
	}
	return s.put(connectors.NewXattr(s.below(a.Path), a.Name, a.Type, s.content(ctx, a.Object, false)))
}

// content opens an object when it is first read. counted content is what the tally shows as copied.
func (s *sender) content(ctx context.Context, object objects.MAC, counted bool) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		r, err := s.data.Content(ctx, object)
		if err == nil && counted {
			r = &countedReader{r, s.tally}
		}
		return io.NopCloser(r), err
	}
}

func noContent() (io.ReadCloser, error) { return nil, fs.ErrInvalid }

// put sends a record. One that an exporter does not take, which has ended without failing, has failed.
func (s *sender) put(r *connectors.Record) error {
	e := sent{r.Pathname, r.XattrName}
	s.mu.Lock()
	s.open[e]++
	s.mu.Unlock()
	select {
	case s.records <- r:
		return nil
	case <-s.ended:
	}
	r.Close()
	if s.err != nil {
		return errEnded
	}
	s.closed(e)
	s.tally.fail(e.path, errNoResult)
	return nil
}

// closed takes one off what is open.
func (s *sender) closed(e sent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[e] > 1 {
		s.open[e]--
	} else {
		delete(s.open, e)
	}
}

func (s *sender) listen(ctx context.Context, results <-chan *connectors.Result) {
	for {
		select {
		case result, ok := <-results:
			if !ok {
				return
			}
			s.closed(sent{result.Record.Pathname, result.Record.XattrName})
			if result.Err == nil || ctx.Err() == nil { // not what failed only because the restore has ended
				s.count(result)
			}
		case <-s.ended: // an exporter need not close its results
			return
		}
	}
}

func (s *sender) count(result *connectors.Result) {
	r := result.Record
	if result.Err != nil {
		s.tally.fail(r.Pathname, result.Err)
		return
	}
	if r.IsXattr {
		return
	}
	s.tally.change(func(p *Progress) {
		switch r.FileInfo.Mode().Type() {
		case 0:
			p.Files++
		case fs.ModeDir:
			p.Directories++
		default:
			p.Others++
		}
	})
}

// countedReader counts the bytes of contents.
type countedReader struct {
	r     io.Reader
	tally *tally
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if n > 0 {
		c.tally.change(func(now *Progress) { now.Bytes += int64(n) })
	}
	return n, err
}
