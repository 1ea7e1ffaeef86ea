package ptarbuild

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"runtime"

	"github.com/PlakarKorp/kloset/hashing"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
)

// generation stands for everything in this package and below it that decides the bytes and is not in Options: the order
// of records, chunk sizes, compression levels, versions of the compression libraries. Raise it when the golden checksum of
// the tests changes: plakar caches by RepositoryID, so different bytes under one identifier break the install of the
// second package.
const generation = 2

// fingerprint is what the first reading of a file found.
type fingerprint struct {
	size int64
	hash [32]byte
}

func fingerprints(ctx context.Context, files []File) ([]fingerprint, error) {
	prints := make([]fingerprint, len(files))
	return prints, readAll(ctx, files, func(i int, r io.Reader) (err error) {
		h := hashing.GetHasher(hashAlgorithm)
		prints[i].size, err = io.Copy(h, r)
		h.Sum(prints[i].hash[:0])
		return err
	})
}

// readAll reads the files on all processors, until ctx ends. i is the number of the one that read is given.
func readAll(ctx context.Context, files []File, read func(i int, r io.Reader) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range files {
		group.Go(func() error {
			r, err := f.Open()
			if err == nil {
				err = read(i, contextReader{ctx, r})
				r.Close()
			}
			if err != nil {
				return fmt.Errorf("read %s to pack it: %w", f.Name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// repositoryID derives the identity of a package from all that decides its bytes.
func repositoryID(files []File, prints []fingerprint, opts Options) uuid.UUID {
	h := hashing.GetHasher(hashAlgorithm)
	field := func(s string) {
		binary.Write(h, binary.LittleEndian, uint64(len(s)))
		io.WriteString(h, s)
	}
	field("kpkg package")
	binary.Write(h, binary.LittleEndian, []int64{generation, opts.Time.Unix(), int64(opts.Time.Nanosecond()), int64(len(files))})
	field(string(opts.Compression))
	for i, f := range files {
		field(f.Name)
		binary.Write(h, binary.LittleEndian, []int64{int64(f.mode()), prints[i].size})
		h.Write(prints[i].hash[:])
	}
	id := uuid.UUID(h.Sum(nil)[:16])
	// Version 8 and the variant of RFC 9562: an identifier made by a rule of its own.
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id
}

// contextReader ends with the context, so that ^C stops a long read between two blocks.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.r.Read(p)
}
