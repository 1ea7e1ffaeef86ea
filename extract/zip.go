package extract

import (
	"archive/zip"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/PlakarKorp/kloset/snapshot/vfs"
	"github.com/klauspost/compress/flate"

	"github.com/PlakarKorp/kpkg/ptarread"
)

// Zip writes a zip, with paths below what the snapshot's source began at, permissions, times and links. It has no place for
// owners and extended attributes. A file whose content is damaged is left out. When the error is not nil, what was
// written is no zip.
//
// A zip ends with a list of its entries, which is in memory until then: some 300 bytes and the path for each.
func Zip(ctx context.Context, snapshot *ptarread.Snapshot, out io.Writer, opts Options) (Result, error) {
	buffered := bufio.NewWriterSize(out, 256<<10)
	z := &zipFormat{out: buffered, zip: zip.NewWriter(buffered)}
	z.zip.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		if z.deflate == nil {
			var err error
			z.deflate, err = flate.NewWriter(w, flate.DefaultCompression)
			return z.deflate, err
		}
		z.deflate.Reset(w)
		return z.deflate, nil
	})
	return writeSequence(ctx, snapshot, opts, z)
}

type zipFormat struct {
	out     *bufio.Writer
	zip     *zip.Writer
	deflate *flate.Writer
}

// add begins an entry with the content.
func (z *zipFormat) add(name string, e *vfs.Entry, mode fs.FileMode, content io.Reader) error {
	if len(name) > 1<<16-1 || strings.Contains(name, "\x00") {
		return errors.New("a zip cannot hold its name")
	}
	h := &zip.FileHeader{Name: name, Modified: e.FileInfo.ModTime()}
	h.SetMode(mode)
	if !mode.IsDir() {
		h.Method = zip.Deflate
	}
	w, err := z.zip.CreateHeader(h)
	if err == nil && content != nil {
		_, err = io.Copy(w, content)
	}
	if err != nil {
		return brokenError{fmt.Errorf("write the zip: %w", err)}
	}
	return nil
}

func (z *zipFormat) folder(name string, e *vfs.Entry, _ map[string]string) error {
	return z.add(name+"/", e, e.FileInfo.Mode()&fs.ModePerm|fs.ModeDir, nil)
}

func (z *zipFormat) hardLink(_, _ string, _ *vfs.Entry) error { return errNoHardLinks }

func (z *zipFormat) link(name string, e *vfs.Entry, _ map[string]string) error {
	return z.add(name, e, fs.ModeSymlink|0o777, strings.NewReader(e.SymlinkTarget))
}

func (z *zipFormat) file(name string, e *vfs.Entry, _ map[string]string, _ int64, content io.Reader) error {
	return z.add(name, e, e.FileInfo.Mode().Perm(), content)
}

func (z *zipFormat) close() error {
	if err := z.zip.Close(); err != nil {
		return err
	}
	return z.out.Flush()
}
