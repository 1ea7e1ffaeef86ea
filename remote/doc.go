// Package remote opens what is not a file on this machine's disk as one: a file on a web server, of which only what is read is
// fetched, and what comes on the standard input, which is kept in a temporary file.
//
// A server must serve ranges: without them every read would fetch the whole file. A file that is replaced while it is read is an
// error, as parts of two files make none.
package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/scratch"
)

// Input is an open input of a known size.
type Input interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// StandardInput is the name of what comes on the standard input.
const StandardInput = "-"

// Is tells whether a name is for Open: an http or https URL, or StandardInput.
func Is(name string) bool {
	lower := strings.ToLower(name)
	return name == StandardInput || strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://")
}

// Open opens a URL, or reads the standard input to its end. ctx is for all that is read of it.
func Open(ctx context.Context, name string) (Input, error) {
	if name == StandardInput {
		return Spool(ctx, os.Stdin)
	}
	return openURL(ctx, name)
}

// Spool keeps all that r gives in a temporary file.
func Spool(ctx context.Context, r io.Reader) (Input, error) {
	folder, err := scratch.Make("input")
	if err != nil {
		return nil, err
	}
	s := &spooled{folder: folder}
	s.File, err = os.OpenFile(filepath.Join(folder.Path, "input"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		s.size, err = io.Copy(s.File, contextReader{ctx, r})
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("keep the standard input in a temporary file: %w", err)
	}
	return s, nil
}

type spooled struct {
	*os.File
	folder *scratch.Folder
	size   int64
}

func (s *spooled) Size() int64 { return s.size }

// Close removes the temporary file.
func (s *spooled) Close() error {
	var err error
	if s.File != nil {
		err = s.File.Close()
	}
	return errors.Join(err, s.folder.Remove())
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}
