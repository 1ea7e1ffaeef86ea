package connector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/textproto"
	"path"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/jlaffaye/ftp"
)

// maxPath bounds the length of a path, in bytes, and so the depth of a tree that a server makes up.
const maxPath = 4096

// walk sends the records of one Import.
type walk struct {
	*Importer
	ctx     context.Context
	records chan<- *connectors.Record
	folders []string // still to be listed
}

// run sends the folders above the root, the root, and everything below it, a folder always before what it holds. Only a
// root that cannot be read is an error; what fails below becomes an error record, and the walk goes on.
func (w *walk) run() error {
	content, err := w.list(w.acc.root)
	if err != nil {
		file, found := w.findFile(w.acc.root)
		if !found {
			return fmt.Errorf("list %s: %w", w.acc.root, err)
		}
		if err := w.sendParents(path.Dir(w.acc.root)); err != nil {
			return err
		}
		return w.sendEntry(w.acc.root, file)
	}

	if w.acc.root != "/" {
		if err := w.sendParents(path.Dir(w.acc.root)); err != nil {
			return err
		}
	}
	if err := w.sendFolder(w.acc.root, content.self); err != nil {
		return err
	}
	if err := w.sendContent(w.acc.root, content); err != nil {
		return err
	}
	for len(w.folders) > 0 {
		last := len(w.folders) - 1
		dir := w.folders[last]
		w.folders = w.folders[:last]

		content, err := w.list(dir)
		if err != nil {
			err = w.send(connectors.NewError(dir, fmt.Errorf("list %s: %w", dir, err)))
		} else {
			err = w.sendContent(dir, content)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// list reads a folder, and with LIST what MLSD does not tell.
func (w *walk) list(dir string) (*listing, error) {
	if !w.withoutMLSD.Load() {
		content, err := w.listWith(mlsd, dir)
		switch {
		case isNotImplemented(err):
			w.withoutMLSD.Store(true)
		case err == nil && content.lacksTargets():
			return content, w.findTargets(dir, content)
		default:
			return content, err
		}
	}
	return w.listWith(list, dir)
}

func (w *walk) listWith(how command, dir string) (*listing, error) {
	var content *listing
	err := w.pool.do(w.ctx, how, func(c *conn) (err error) {
		content, err = c.list(dir)
		return err
	})
	return content, err
}

// findTargets asks LIST where the symbolic links of dir point that MLSD marked. Those that stay without a target become
// error records.
func (w *walk) findTargets(dir string, content *listing) error {
	var raw *capture
	err := w.pool.do(w.ctx, list, func(c *conn) (err error) {
		raw, err = c.listText(dir)
		return err
	})
	if err == nil {
		content.takeTargets(raw.lines(), time.Now())
	}
	if w.ctx.Err() != nil {
		return err
	}
	return nil
}

func isNotImplemented(err error) bool {
	var refusal *textproto.Error
	return errors.As(err, &refusal) &&
		(refusal.Code == ftp.StatusBadCommand || refusal.Code == ftp.StatusNotImplemented)
}

// findFile looks in its folder for a root that cannot be listed: it may be a file.
func (w *walk) findFile(name string) (entry, bool) {
	if name == "/" {
		return entry{}, false
	}
	content, err := w.list(path.Dir(name))
	if err != nil {
		return entry{}, false
	}
	for _, e := range content.entries {
		if e.info.Lname == path.Base(name) && e.kind == typeFile {
			return e, true
		}
	}
	return entry{}, false
}

// sendParents sends dir and the folders above it, from the top. Nothing is known of them but that they exist: a login
// is often not allowed to look there.
func (w *walk) sendParents(dir string) error {
	if dir != "/" {
		if err := w.sendParents(path.Dir(dir)); err != nil {
			return err
		}
	}
	return w.sendFolder(dir, nil)
}

func (w *walk) sendFolder(dir string, info *objects.FileInfo) error {
	if info == nil {
		info = &objects.FileInfo{Lmode: fs.ModeDir | 0o755, LmodTime: time.Unix(0, 0), Lnlink: 1}
	}
	record := &connectors.Record{Pathname: dir, FileInfo: *info}
	record.FileInfo.Lname = path.Base(dir)
	return w.send(record)
}

// sendContent sends what the folder dir holds, and keeps its folders for later.
func (w *walk) sendContent(dir string, content *listing) error {
	if len(content.flaws) > 0 {
		if err := w.send(connectors.NewError(dir, fmt.Errorf("list %s: %w", dir, content.flawed()))); err != nil {
			return err
		}
	}
	for _, e := range content.entries {
		name := path.Join(dir, e.info.Lname)
		if len(name) > maxPath {
			err := fmt.Errorf("list %s: the path of %q is longer than %d bytes", dir, e.info.Lname, maxPath)
			if err := w.send(connectors.NewError(dir, err)); err != nil {
				return err
			}
			continue
		}
		if w.excludes.IsExcluded(name, e.kind == typeFolder) {
			continue
		}
		if e.kind == typeFolder {
			w.folders = append(w.folders, name)
		}
		if err := w.sendEntry(name, e); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) sendEntry(name string, e entry) error {
	record := &connectors.Record{Pathname: name, FileInfo: e.info, Target: e.target}
	switch {
	case e.kind == typeFile:
		record.Reader = connectors.NewLazyReader(func() (io.ReadCloser, error) { return w.open(name) })
	case e.lacksTarget():
		record = connectors.NewError(name, fmt.Errorf("%s: the server does not say where this symbolic link points", name))
	case e.kind != typeFolder && e.kind != typeLink:
		record = connectors.NewError(name, fmt.Errorf("%s: neither file, folder nor symbolic link but %q", name, e.kind))
	}
	return w.send(record)
}

func (w *walk) send(record *connectors.Record) error {
	select {
	case w.records <- record:
		return nil
	case <-w.ctx.Done():
		return context.Cause(w.ctx)
	}
}
