package connector

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"
)

// partialPrefix begins the names of files that are not complete. No object of a store, and no other client's file, has one.
const partialPrefix = ".plakar-"

// upload writes a file under a name of its own, on the server's disk if it is to be durable and the server can tell, and has finish
// give it its name when it is complete. It returns how long it is.
func (c *connection) upload(name string, content *source, durable bool, finish func(partial string) error) (size int64, err error) {
	partial := path.Join(path.Dir(name), partialPrefix+rand.Text())
	file, err := c.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			c.Remove(partial) //nolint:errcheck // the first error says what is wrong; after a break nothing can be removed
		}
	}()
	size, err = file.ReadFrom(content)
	if content.err != nil {
		err = content.err
	}
	if err == nil && size != content.read {
		err = fmt.Errorf("%d of %d bytes were written", size, content.read)
	}
	if _, can := c.HasExtension("fsync@openssh.com"); can && durable && err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = finish(partial)
	}
	return size, err
}

// replace gives a complete file its name, in the place of whatever has it but a folder.
func (c *connection) replace(partial, name string) error {
	if _, can := c.HasExtension("posix-rename@openssh.com"); can {
		return c.PosixRename(partial, name)
	}
	err := c.Rename(partial, name)
	if err == nil {
		return nil
	}
	// Servers of version 3 rename to names that are free only: there the old file steps aside, and comes back if that does not help.
	if info, statErr := c.Lstat(name); statErr != nil || info.IsDir() {
		return err
	}
	old := partial + ".old"
	if c.Rename(name, old) != nil {
		return err
	}
	if err := c.Rename(partial, name); err != nil {
		return errors.Join(err, c.Rename(old, name))
	}
	return c.Remove(old)
}

// describe sets what is known of a file or folder: its permissions, and its time in seconds, which is what the protocol has.
func (c *connection) describe(name string, mode fs.FileMode, modified time.Time) error {
	if err := c.Chmod(name, mode&(fs.ModePerm|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky)); err != nil {
		return fmt.Errorf("set its permissions: %w", err)
	}
	if err := c.Chtimes(name, modified, modified); err != nil {
		return fmt.Errorf("set its time: %w", err)
	}
	return nil
}

// source is a content. It keeps the error that ends it early, for the library takes some of them for an end.
type source struct {
	from io.Reader // nil is nothing
	size int64     // as far as is known; -1 if nothing is
	read int64
	err  error
}

// Size is what the library looks at before it has several packets on their way at once.
func (s *source) Size() int64 { return s.size }

func (s *source) Read(p []byte) (int, error) {
	if s.from == nil {
		return 0, io.EOF
	}
	n, err := s.from.Read(p)
	s.read += int64(n)
	if err != io.EOF && errors.Is(err, io.EOF) { // it broke off, which nobody is to take for its end, or for that of the connection
		err = fmt.Errorf("read the content: %w: %v", io.ErrUnexpectedEOF, err)
	}
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}
