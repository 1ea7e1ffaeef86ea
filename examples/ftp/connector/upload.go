package connector

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"path"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
)

// cleanup bounds the removal of what a broken upload left, which must also work when the restore was cancelled.
const cleanup = 10 * time.Second

// upload writes a file under a name of its own and gives it its name when it is complete and has its time. Whatever had
// that name is replaced.
func (r *restore) upload(name string, record *connectors.Record) error {
	if err := checkPath(name); err != nil {
		return err
	}
	partial := path.Join(path.Dir(name), ".plakar-"+rand.Text())
	content := &source{from: record.Reader}
	c, err := r.pool.exchange(r.ctx, either, func(c *conn) error {
		// A connection that has lain idle shows first that it is alive.
		if c.reused {
			if err := c.client.NoOp(); err != nil {
				return err
			}
		}
		err := c.upload(partial, name, content, record.FileInfo.ModTime())
		if err != nil && content.begun {
			return finalError{err}
		}
		return err
	})
	if c == nil {
		return err
	}
	r.pool.put(c, err)
	if err != nil {
		err = errors.Join(err, r.remove(partial))
	}
	return err
}

func (c *conn) upload(partial, name string, content *source, modified time.Time) error {
	if err := c.client.Stor(partial, content); err != nil || content.err != nil {
		return uploadError(content.err, err)
	}
	if err := c.setTime(partial, modified); err != nil {
		return fmt.Errorf("set its time: %w", err)
	}
	return c.rename(partial, name)
}

// rename gives a complete file its name. Some servers rename to names that are free only: there the old file steps
// aside, and comes back if that does not help.
func (c *conn) rename(partial, name string) error {
	err := c.client.Rename(partial, name)
	if !isRefusal(err) || c.client.ChangeDir(name) == nil { // a folder stays
		return err
	}
	old := partial + ".old"
	if c.client.Rename(name, old) != nil {
		return err
	}
	if err := c.client.Rename(partial, name); err != nil {
		return errors.Join(err, c.client.Rename(old, name))
	}
	return c.client.Delete(old)
}

// uploadError finds the cause among the errors of a transfer: the content could not be read, or what the server says.
// The others follow from these.
func uploadError(readErr, err error) error {
	var refusal *textproto.Error
	switch {
	case readErr != nil:
		return readErr
	case errors.As(err, &refusal):
		return refusal
	}
	return firstError(err)
}

// remove removes what an upload left, if it left anything.
func (r *restore) remove(partial string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), cleanup)
	defer cancel()
	err := r.pool.do(ctx, either, func(c *conn) error { return c.client.Delete(partial) })
	if err != nil && !isRefusal(err) {
		return fmt.Errorf("what was sent may remain as %s: %w", partial, err)
	}
	return nil
}

// source is the content of a file. It keeps the error that ends it early, for the library takes every end for one.
type source struct {
	from  io.Reader
	begun bool // it cannot be sent again
	err   error
}

func (s *source) Read(p []byte) (int, error) {
	s.begun = true
	if s.from == nil { // an empty file
		return 0, io.EOF
	}
	n, err := s.from.Read(p)
	if err != nil && err != io.EOF { // one that wraps it is of something that broke off
		s.err = err
	}
	return n, err
}
