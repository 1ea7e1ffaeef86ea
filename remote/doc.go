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
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"

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

// Base is the name of a file in its folder, also of one at a URL; "" on the standard input, which has none.
func Base(name string) string {
	if name == StandardInput {
		return ""
	}
	if parsed, err := url.Parse(name); err == nil && Is(name) {
		return path.Base(parsed.Path)
	}
	return filepath.Base(name)
}

// Beside is the URL of the file beside the one at a URL whose name has an extension more.
func Beside(name, extension string) (string, error) {
	parsed, err := url.Parse(name)
	if err != nil {
		return "", errNoURL
	}
	parsed.Path, parsed.RawPath = parsed.Path+extension, ""
	return parsed.String(), nil
}

// taken tells that the standard input has been read.
var taken atomic.Bool

// Open opens a URL, or reads the standard input to its end, which is there once. ctx is for all that is read of it. The error
// about a file that a server does not have wraps fs.ErrNotExist.
func Open(ctx context.Context, name string) (Input, error) {
	if name != StandardInput {
		return openURL(ctx, name)
	}
	if taken.Swap(true) {
		return nil, errors.New("the standard input is read once only, and has been read")
	}
	in, err := Spool(ctx, os.Stdin)
	if err == nil && in.Size() == 0 {
		in.Close()
		return nil, errors.New("there is nothing on the standard input")
	}
	return in, err
}

// Keep copies all of an input, which it closes, to a temporary file: for those who read everything, and use the very bytes that
// they have judged.
func Keep(ctx context.Context, in Input) (Input, error) {
	if kept, is := in.(*spooled); is {
		return kept, nil
	}
	defer in.Close()
	return Spool(ctx, io.NewSectionReader(in, 0, in.Size()))
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
		s.size, err = io.Copy(s.File, &contextReader{ctx: ctx, r: r, buffer: make([]byte, 64<<10)})
	}
	if err != nil {
		s.Close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("keep it in a temporary file: %w", err)
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

// contextReader reads until ctx ends. A read that blocks, as of a terminal at which nobody types, is then left to itself.
type contextReader struct {
	ctx    context.Context
	r      io.Reader
	buffer []byte
}

func (c *contextReader) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	into := c.buffer[:min(len(p), len(c.buffer))]
	go func() {
		n, err := c.r.Read(into)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return copy(p, into[:r.n]), r.err
	case <-c.ctx.Done():
		return 0, context.Cause(c.ctx)
	}
}
