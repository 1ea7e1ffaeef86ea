package connector

import (
	"context"
	"errors"
	"fmt"
	"net/textproto"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
)

// restore is one Export.
type restore struct {
	*Exporter
	ctx     context.Context
	results chan<- *connectors.Result
	folders []folderTime
}

// folderTime is a folder that gets its time last, for whatever is written into it changes that.
type folderTime struct {
	name     string
	modified time.Time
}

// run makes folders in the order in which they come, and writes several files at a time.
func (r *restore) run(records <-chan *connectors.Record) error {
	var uploads sync.WaitGroup
	defer uploads.Wait()
	workers := make(chan struct{}, r.workers)
	for {
		select {
		case <-r.ctx.Done():
			return context.Cause(r.ctx)
		case record, more := <-records:
			if !more {
				uploads.Wait()
				return r.setFolderTimes()
			}
			if !record.FileInfo.Mode().IsRegular() || record.Err != nil || record.IsXattr {
				r.answer(record, r.other(record))
				continue
			}
			workers <- struct{}{}
			uploads.Go(func() {
				defer func() { <-workers }()
				r.answer(record, r.upload(r.target(record), record))
			})
		}
	}
}

func (r *restore) answer(record *connectors.Record, err error) {
	result := record.Ok
	if err != nil {
		result = func() *connectors.Result { return record.Error(fmt.Errorf("restore %s: %w", r.target(record), err)) }
	}
	select {
	case r.results <- result():
	case <-r.ctx.Done():
	}
}

// target is where a record goes, which is nowhere above the root.
func (r *restore) target(record *connectors.Record) string {
	return path.Join(r.acc.root, path.Clean("/"+record.Pathname))
}

// other restores what is not a file.
func (r *restore) other(record *connectors.Record) error {
	switch {
	case record.Err != nil || record.IsXattr:
		return nil // the backup told of the error; FTP has no extended attributes
	case !record.FileInfo.IsDir():
		return fmt.Errorf("FTP cannot make it: neither file nor folder but %v", record.FileInfo.Mode())
	}
	name := r.target(record)
	if err := r.makeFolder(name); err != nil {
		return err
	}
	r.folders = append(r.folders, folderTime{name, record.FileInfo.ModTime()})
	return nil
}

// makeFolder makes a folder, and those above it if need be: the root's may be missing.
func (r *restore) makeFolder(name string) error {
	if err := checkPath(name); err != nil {
		return err
	}
	err := r.pool.do(r.ctx, either, func(c *conn) error {
		err := c.client.MakeDir(name)
		if isRefusal(err) && c.client.ChangeDir(name) == nil {
			return nil // it is there
		}
		return err
	})
	if parent := path.Dir(name); isRefusal(err) && strings.HasPrefix(r.acc.root+"/", parent+"/") && parent != "/" {
		if r.makeFolder(parent) != nil {
			return err
		}
		return r.pool.do(r.ctx, either, func(c *conn) error { return c.client.MakeDir(name) })
	}
	return err
}

// setFolderTimes is content with what it can get: many servers that set times of files refuse folders.
func (r *restore) setFolderTimes() error {
	for _, folder := range slices.Backward(r.folders) {
		err := r.pool.do(r.ctx, either, func(c *conn) error { return c.setTime(folder.name, folder.modified) })
		if err != nil && !isRefusal(err) {
			return err
		}
	}
	return nil
}

// setTime sets the time of a file or folder if the server offers MFMT.
func (c *conn) setTime(name string, modified time.Time) error {
	if !c.client.IsSetTimeSupported() {
		return nil
	}
	return c.client.SetTime(name, modified)
}

func isRefusal(err error) bool {
	var refusal *textproto.Error
	return errors.As(err, &refusal)
}

// checkPath refuses what no command can carry.
func checkPath(name string) error {
	if strings.ContainsAny(name, "\r\n\x00") {
		return errors.New("the name contains a line break or a NUL, which FTP cannot carry")
	}
	return nil
}
