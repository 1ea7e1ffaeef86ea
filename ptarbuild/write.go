// Package ptarbuild writes a list of files as one ptar that plakar installs.
//
// The same files and options give the same bytes on every machine: nothing of the machine, the user, the clock or the
// order of goroutines gets into the output. To have that, the package does not go through kloset's snapshot builder,
// which draws random identifiers, reads the clock, records the host and needs a database on disk. It assembles the
// snapshot from the parts that kloset exports (chunker, objects, vfs entries, btrees, header, state entries,
// serialization): they define every record; what is written here is only which records there are and their order.
//
// It streams: memory does not grow with the size of the files. It refuses names that leave the package and knows no
// links, devices or owners: a package holds regular files and the folders above them.
package ptarbuild

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/versioning"
	"github.com/google/uuid"

	"github.com/PlakarKorp/kpkg/internal/ptar"
)

// formatVersion is stamped on every region and record. plakar refuses what is newer than it knows, so the
// oldest version that can express a package reaches the most users.
var formatVersion = versioning.NewVersion(1, 0, 0)

// Package is a package whose files have been read once, ready to be written.
type Package struct {
	// RepositoryID is equal for equal files and options and different otherwise: plakar caches what it knows of a package
	// by it.
	RepositoryID uuid.UUID
	// Unpacked is the sum of the files' sizes in bytes.
	Unpacked int64

	files  []File
	prints []fingerprint
	opts   Options
}

// New reads the files to derive the RepositoryID, on which all MACs depend, from their content. It opens each, several at once, and does
// not keep them open.
func New(ctx context.Context, files []File, opts Options) (*Package, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Package{files: slices.Clone(files), opts: opts}
	if err := arrange(p.files); err != nil {
		return nil, err
	}
	if p.prints, err = fingerprints(ctx, p.files); err != nil {
		return nil, err
	}
	for _, taken := range p.prints {
		p.Unpacked += taken.size
	}
	p.RepositoryID = repositoryID(p.files, p.prints, opts)
	return p, nil
}

// Write writes the files to w as one package: New and Package.Write in one.
func Write(ctx context.Context, w io.Writer, files []File, opts Options) (n int64, err error) {
	p, err := New(ctx, files, opts)
	if err != nil {
		return 0, err
	}
	return p.Write(ctx, w)
}

// Write reads the files again, twice, and writes the package to w; n is its size in bytes. A file that changed since New is an
// error. When Write fails or ctx ends, what w received is useless: write to a temporary file and rename it.
func (p *Package) Write(ctx context.Context, w io.Writer) (n int64, err error) {
	seal := sealer{Key: ptar.NewKey(hashAlgorithm, p.RepositoryID)}
	out := &counter{w: bufio.NewWriterSize(w, 256<<10)}

	if _, err := out.Write(ptar.AppendStart(nil)); err != nil {
		return 0, fmt.Errorf("write the start of the package: %w", err)
	}

	index := &heldIndex{encode: p.opts.Compression.encode}
	var pack *packfile
	var layout ptar.Layout
	for _, region := range []struct {
		name  string
		place *ptar.Section
		write func() error
	}{
		{"configuration", &layout.Config, func() error {
			body, err := p.opts.configuration(p.RepositoryID).ToBytes()
			if err != nil {
				return err
			}
			return seal.copy(out, resources.RT_CONFIG, bytes.NewReader(body))
		}},
		{"packfile", &layout.Packfile, func() error {
			return seal.stream(out, resources.RT_PACKFILE, func(body io.Writer) error {
				pack = newPackfile(body, p.opts.Compression.encode, index, seal)
				defer pack.stop()
				if err := writeSnapshot(ctx, pack, p.files, p.prints, p.opts.Time); err != nil {
					return err
				}
				return pack.finish(p.opts.Time)
			})
		}},
		{"state", &layout.State, func() error {
			var body bytes.Buffer
			if err := p.opts.Compression.encode(&body, state(index.blobs, p.RepositoryID, p.opts.Time)); err != nil {
				return err
			}
			return seal.copy(out, resources.RT_STATE, &body)
		}},
	} {
		offset := out.n
		if err := region.write(); err != nil {
			return 0, fmt.Errorf("write the %s of the package: %w", region.name, err)
		}
		*region.place = ptar.Section{Offset: offset, Length: out.n - offset}
	}

	if _, err := out.Write(layout.AppendTrailer(nil)); err != nil {
		return 0, fmt.Errorf("write the end of the package: %w", err)
	}
	if err := out.w.Flush(); err != nil {
		return 0, fmt.Errorf("write the end of the package: %w", err)
	}
	return out.n, nil
}

// counter knows how far the package has been written.
type counter struct {
	w *bufio.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
