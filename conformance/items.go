package conformance

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/exporter"
	"github.com/PlakarKorp/kloset/objects"
)

// item is what an exporter is sent: a file, a folder or a link.
type item struct {
	path   string // absolute, below what is restored
	mode   fs.FileMode
	time   time.Time // whole seconds
	target string
	data   []byte
}

// items are what one export sends, folders before what is in them.
type items []item

// startItems begins with the root, as kloset does.
func startItems() items { return items{}.folder("/", 0o755) }

func (all items) file(name string, mode fs.FileMode, data []byte) items {
	return append(all, item{path: name, mode: mode, time: fileTime, data: data})
}
func (all items) folder(name string, mode fs.FileMode) items {
	return append(all, item{path: name, mode: mode | fs.ModeDir, time: fileTime})
}
func (all items) link(name, target string) items {
	return append(all, item{path: name, mode: 0o777 | fs.ModeSymlink, time: fileTime, target: target})
}

// of are the items of one kind: 0 for files, fs.ModeDir for folders other than the root, fs.ModeSymlink for links.
func (all items) of(kind fs.FileMode) items {
	var some items
	for _, i := range all {
		if i.mode.Type() == kind && i.path != "/" {
			some = append(some, i)
		}
	}
	return some
}

// empty tells whether nothing is sent that is in the folder.
func (all items) empty(folder string) bool {
	for _, i := range all {
		if i.path != folder && below(i.path, folder) {
			return false
		}
	}
	return true
}

// smallest is the smallest file that can break off: one of at least two bytes. It is nil without one.
func (all items) smallest() *item {
	var found *item
	for _, i := range all.of(0) {
		if len(i.data) > 1 && (found == nil || len(i.data) < len(found.data)) {
			found = &i
		}
	}
	return found
}

// alone is one item and the folders that it is in.
func (all items) alone(one item) items {
	var some items
	for _, i := range all {
		if i.mode.IsDir() && below(one.path, i.path) {
			some = append(some, i)
		}
	}
	return append(some, one)
}

// record is the record of an item, at a path.
func (i item) record(at string) *connectors.Record {
	info := objects.FileInfo{
		Lname: path.Base(at), Lsize: int64(len(i.data)), Lmode: i.mode, LmodTime: i.time, Lnlink: 1,
		Luid: uint64(max(0, os.Getuid())), Lgid: uint64(max(0, os.Getgid())),
	}
	return connectors.NewRecord(at, i.target, info, nil, func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(i.data)), nil
	})
}

// records are those of an export to a destination. Its base is made with the root.
func (d destination) records(all items) []*connectors.Record {
	var records []*connectors.Record
	for _, i := range all {
		if i.path == "/" && d.base != "" {
			records = append(records, i.record("/"))
		}
		records = append(records, i.record(d.at(i.path)))
	}
	return records
}

// results are what an exporter said of the records, by path.
type results map[string][]error

// refusedError is a result that is an error.
type refusedError struct {
	path string
	mode fs.FileMode
	said error
}

func (e *refusedError) Error() string { return fmt.Sprintf("%q: %v", e.path, e.said) }
func (e *refusedError) Unwrap() error { return e.said }

// export sends records and takes the results for them. There are none beside an error.
func export(ctx context.Context, exp exporter.Exporter, records []*connectors.Record) (results, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sent := make(chan *connectors.Record)
	reported := make(chan *connectors.Result, len(records)+1)
	go func() {
		defer close(sent)
		for _, r := range records {
			select {
			case sent <- r:
			case <-ctx.Done(): // after a failure the client takes no more
				return
			}
		}
	}()
	said, returned := make(chan results, 1), make(chan struct{})
	defer close(returned)
	go func() {
		all := results{}
		for {
			select {
			case result, more := <-reported:
				if !more {
					said <- all
					return
				}
				all[result.Record.Pathname] = append(all[result.Record.Pathname], result.Err)
			case <-returned: // the client does not close the channel when it could not reach the plugin
				return
			}
		}
	}()
	if err := exp.Export(ctx, sent, reported); err != nil {
		return nil, err
	}
	return <-said, nil
}

// exportAll exports and expects nothing to fail.
func exportAll(ctx context.Context, exp exporter.Exporter, records []*connectors.Record) error {
	all, err := export(ctx, exp, records)
	if err != nil {
		return err
	}
	return all.complete(records)
}

// export exports items to the check's destination, and expects nothing to fail.
func (s *subject) export(ctx context.Context, all items) error {
	_, exp, err := s.exporterTo(ctx)
	if err != nil {
		return err
	}
	return exportAll(ctx, exp, s.destination().records(all))
}

// complete checks that each record has one result, and none an error. Folders may be refused, as exporter-known-folders
// judges that, and whoever looks for what was made misses those that are not there.
func (a results) complete(records []*connectors.Record) error {
	total := 0
	for _, r := range records {
		said := a[r.Pathname]
		total += len(said)
		if len(said) != 1 {
			return fmt.Errorf("%q has %d results, and should have one", r.Pathname, len(said))
		}
		if said[0] != nil && !r.FileInfo.Lmode.IsDir() {
			return &refusedError{r.Pathname, r.FileInfo.Lmode, said[0]}
		}
	}
	if total != len(records) || len(a) != len(records) {
		return fmt.Errorf("%d results for %d records", total, len(records))
	}
	return nil
}
