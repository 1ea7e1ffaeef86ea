package extract

import (
	"archive/tar"
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/PlakarKorp/kloset/snapshot/vfs"

	"github.com/PlakarKorp/kpkg/ptarread"
)

// Tar writes a tar in the POSIX format, with paths below what the snapshot's source began at, times to the nanosecond, owners
// and extended attributes. A file whose content is damaged is left out. When the error is not nil, what was written is no tar.
func Tar(ctx context.Context, snapshot *ptarread.Snapshot, out io.Writer, opts Options) (Result, error) {
	buffered := bufio.NewWriterSize(out, 256<<10)
	return writeSequence(ctx, snapshot, opts, &tarFormat{out: buffered, tar: tar.NewWriter(buffered)})
}

type tarFormat struct {
	out *bufio.Writer
	tar *tar.Writer
}

func (t *tarFormat) header(kind byte, name string, e *vfs.Entry, attributes map[string]string) *tar.Header {
	info := e.FileInfo
	h := &tar.Header{
		Typeflag: kind, Name: name, Mode: int64(info.Mode().Perm()), ModTime: info.ModTime(), Format: tar.FormatPAX,
		Uid: int(info.Uid()), Gid: int(info.Gid()), Uname: info.Username(), Gname: info.Groupname(),
	}
	for bit, mode := range map[int64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if info.Mode()&mode != 0 {
			h.Mode |= bit
		}
	}
	for attribute, value := range attributes {
		if h.PAXRecords == nil {
			h.PAXRecords = map[string]string{}
		}
		h.PAXRecords["SCHILY.xattr."+attribute] = value
	}
	return h
}

// begin writes a header. One that tar cannot have fails before anything of it is written.
func (t *tarFormat) begin(h *tar.Header) error {
	if err := t.tar.WriteHeader(h); err != nil {
		if t.tar.Flush() == nil {
			return fmt.Errorf("a tar cannot hold it: %w", err)
		}
		return brokenError{err}
	}
	return nil
}

func (t *tarFormat) folder(name string, e *vfs.Entry, attributes map[string]string) error {
	return t.begin(t.header(tar.TypeDir, name+"/", e, attributes))
}

func (t *tarFormat) hardLink(name, to string, e *vfs.Entry) error {
	h := t.header(tar.TypeLink, name, e, nil)
	h.Linkname = to
	return t.begin(h)
}

func (t *tarFormat) link(name string, e *vfs.Entry, attributes map[string]string) error {
	h := t.header(tar.TypeSymlink, name, e, attributes)
	h.Linkname = e.SymlinkTarget
	return t.begin(h)
}

func (t *tarFormat) file(name string, e *vfs.Entry, attributes map[string]string, size int64, content io.Reader) error {
	h := t.header(tar.TypeReg, name, e, attributes)
	h.Size = size
	if err := t.begin(h); err != nil {
		return err
	}
	if _, err := io.Copy(t.tar, content); err != nil {
		return brokenError{err}
	}
	return nil
}

func (t *tarFormat) close() error {
	if err := t.tar.Close(); err != nil {
		return err
	}
	return t.out.Flush()
}
