package ptarread

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/PlakarKorp/kpkg/remote"
)

// Archive is an open ptar of anything: any number of snapshots, files of any size, links, devices and extended attributes,
// encrypted or not. Nothing in it is believed more than what is in a package, but what it leaves out or holds without use
// is no problem.
//
// Its methods, and those of its snapshots, may be called concurrently.
type Archive struct {
	store
	snapshots []SnapshotInfo // the oldest first
}

// Options say how to open an archive.
type Options struct {
	// Passphrase is asked for the passphrase of an encrypted archive, once and of no other; an error of it ends the opening
	// as it is. Nil refuses encrypted archives.
	Passphrase func(context.Context) ([]byte, error)
}

// OpenArchive opens the ptar at path, which may also be a URL or "-" as remote.Open takes them, and reads where everything is:
// configuration, index, state and the snapshots' headers.
// Errors are as those of Open.
func OpenArchive(ctx context.Context, path string, options Options) (*Archive, error) {
	file, size, err := OpenInput(ctx, path)
	if err != nil {
		return nil, err
	}
	a, err := NewArchive(ctx, file, size, options)
	if err != nil {
		file.Close()
		return nil, err
	}
	a.closer = file
	return a, nil
}

// OpenInput opens a regular file, or what remote.Open takes, for NewArchive and for those who read it otherwise too.
func OpenInput(ctx context.Context, path string) (in remote.Input, size int64, err error) {
	return openInput(ctx, path, "ptar")
}

func openInput(ctx context.Context, path, what string) (remote.Input, int64, error) {
	if !remote.Is(path) {
		file, size, err := openRegular(path, what)
		return localFile{file, size}, size, err
	}
	in, err := remote.Open(ctx, path)
	if ctx.Err() != nil {
		return nil, 0, context.Cause(ctx)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("open %s: %w", what, err)
	}
	return in, in.Size(), nil
}

type localFile struct {
	*os.File
	size int64
}

func (f localFile) Size() int64 { return f.size }

// NewArchive is OpenArchive for a ptar of size bytes that r holds.
func NewArchive(ctx context.Context, r io.ReaderAt, size int64, options Options) (*Archive, error) {
	a := &Archive{store: store{file: r, size: size, bounds: archiveBounds(size), passphrase: options.Passphrase}}
	if err := steps(ctx, a.readLayout, a.readConfig, a.readIndex, a.readState, a.readSnapshots); err != nil {
		a.index.close()
		return nil, err
	}
	return a, nil
}

// Size is how many bytes the file has.
func (a *Archive) Size() int64 { return a.size }

// Close closes the file that OpenArchive opened.
func (a *Archive) Close() error { return a.close() }
