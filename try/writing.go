package try

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/importer"
	"github.com/PlakarKorp/kloset/location"
	"github.com/PlakarKorp/kloset/snapshot/header"
	"golang.org/x/sync/errgroup"

	"github.com/PlakarKorp/kpkg/ptarbuild"
)

// writing is a data file that is being written.
type writing struct {
	imp     importer.Importer
	machine *connectors.Options
	tempDir string
	tally   *tally
	// own is the path of the data file, or of a store in a local folder, as the source may have it: it is not backed up. "" is
	// elsewhere.
	own string
	// what is being written; "" is the data file.
	what string
	// rooted tells whether anything has come that is where the source begins, or below it.
	rooted atomic.Bool
}

// options are those of what is written.
func (w *writing) options() ptarbuild.ArchiveOptions {
	return ptarbuild.ArchiveOptions{
		Name: "default", TempDir: w.tempDir,
		Source: header.Importer{Type: w.imp.Type(), Origin: w.imp.Origin(), Directory: w.imp.Root()},
		// Not the command line, which may hold secrets.
		Context: []header.KeyValue{
			{Key: "Hostname", Value: w.machine.Hostname}, {Key: "OperatingSystem", Value: w.machine.OperatingSystem},
			{Key: "Architecture", Value: w.machine.Architecture}, {Key: "Client", Value: "kpkg"},
		},
	}
}

// write makes the data file at path, which is not there yet, of all that the importer imports.
func (w *writing) write(ctx context.Context, path string) (err error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("make the data file: %w", err)
	}
	w.own = filepath.ToSlash(absolute)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("make the data file: %w", err)
	}
	err = w.writeTo(ctx, file)
	if closeErr := file.Close(); closeErr != nil && err == nil {
		err = fmt.Errorf("close the data file: %w", closeErr)
	}
	return err
}

func (w *writing) writeTo(ctx context.Context, out io.Writer) error {
	_, err := ptarbuild.WriteArchive(ctx, out, w.options(), func(archive *ptarbuild.Archive) error { return w.fill(ctx, archive) })
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if path := (*fs.PathError)(nil); errors.As(err, &path) && path.Op == "write" {
		return fmt.Errorf("write the data file: %w", path.Err)
	}
	return err
}

// fill takes the importer's records, several at once, and answers those that it wants answered, as plakar does: with whatever
// has become of them.
func (w *writing) fill(ctx context.Context, archive *ptarbuild.Archive) error {
	// Not errgroup's context, which ends as soon as all is written: the importer may still have something to do.
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group errgroup.Group
	records := make(chan *connectors.Record, workers)
	var results chan *connectors.Result
	if w.imp.Flags()&location.FLAG_NEEDACK != 0 {
		results = make(chan *connectors.Result, workers)
	}
	for range workers {
		group.Go(func() (err error) {
			defer func() {
				if err != nil {
					cancel(err)
				}
			}()
			for {
				select {
				case <-running.Done():
					return context.Cause(running)
				case r, more := <-records:
					if !more {
						return nil
					}
					if err := w.record(ctx, running, archive, r); err != nil {
						return err
					}
					if results != nil {
						results <- r.Ok()
					} else {
						r.Close()
					}
				}
			}
		})
	}
	written := make(chan error, 1)
	go func() {
		err := group.Wait()
		if err != nil {
			// The importer may be about to send more before it sees that it is over.
			go func() {
				for r := range records {
					r.Close()
				}
			}()
		}
		if results != nil {
			close(results)
		}
		written <- err
	}()
	err := w.imp.Import(running, records, results)
	if results != nil {
		for range results { // what it has not taken
		}
	}
	if writeErr := <-written; writeErr != nil {
		return writeErr
	}
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	if w.what == theSnapshot {
		w.tally.stage(Committing)
	} else {
		w.tally.stage(Completing)
	}
	return nil
}

// isOwn tells what is being written from what is to be backed up.
func (w *writing) isOwn(name string) bool {
	return w.own != "" && (name == w.own || strings.HasPrefix(name, w.own+"/"))
}

// record adds one record to the archive, or what is wrong with it, while running, which is below ctx, goes on.
func (w *writing) record(ctx, running context.Context, archive *ptarbuild.Archive, r *connectors.Record) error {
	if w.isOwn(r.Pathname) {
		return nil
	}
	if r.Err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		w.tally.fail(r.Pathname, r.Err)
		return archive.Fail(r.Pathname, r.Err.Error())
	}
	size, err := archive.Record(running, r)
	// Both: the end of ctx ends the plugin, whose files then fail, and may have got to the plugin and not yet to running.
	for _, over := range []context.Context{ctx, running} {
		if over.Err() != nil {
			return context.Cause(over)
		}
	}
	if content := (*ptarbuild.ContentError)(nil); errors.As(err, &content) {
		w.tally.fail(r.Pathname, content)
		return archive.Fail(r.Pathname, content.Error())
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", cmp.Or(w.what, theDataFile), err)
	}
	if !r.IsXattr && isBelow(r.Pathname, w.imp.Root()) {
		w.rooted.Store(true)
	}
	w.tally.change(func(p *Progress) {
		p.Bytes += size
		switch mode := r.FileInfo.Mode(); {
		case r.IsXattr:
		case mode.IsDir():
			if isBelow(r.Pathname, w.imp.Root()) {
				p.Directories++
			}
		case mode.IsRegular():
			p.Files++
		default:
			p.Others++
		}
	})
	return nil
}
