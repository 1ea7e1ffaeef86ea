// Package pack makes archives of files and folders on disk: any files, into a ptar that plakar lists, checks and restores.
//
// It is the counterpart of create, which makes packages of integrations: nothing is judged here, and all that a file system
// has is kept: links, devices, owners, times, extended attributes. What cannot be read is recorded in the archive and does not
// end the rest.
package pack

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/PlakarKorp/kloset/snapshot/header"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/PlakarKorp/kpkg/internal/scratch"
	"github.com/PlakarKorp/kpkg/ptarbuild"
)

// Options say what to pack, and how.
type Options struct {
	// Paths are files and folders. A link that is named is followed; those below are kept as links.
	Paths []string
	// Exclude are patterns of gitignore's syntax, a later one over an earlier. They are about paths below each of Paths, and a folder
	// that is excluded is not looked into.
	Exclude []string
	// Compression is LZ4 when it is "".
	Compression ptarbuild.Compression
	// Passphrase encrypts the archive; nil does not.
	Passphrase []byte
	// Name is the snapshot's; "" stands for "default".
	Name string
	// Reproducible makes the same bytes of the same files wherever and by whomever they are packed: what they are in, their
	// owners, devices, inodes and other names are left out, and Time, or the Unix epoch, is when it was made; no file is younger
	// than a Time that is given. All is read twice.
	Reproducible bool
	Time         time.Time
	// Skip leaves files out silently, such as the archive itself; nil leaves out none.
	Skip func(fs.FileInfo) bool
	// Progress, when set, is told of what is done. Calls do not overlap.
	Progress func(Progress)
}

// Progress is what has been packed.
type Progress struct {
	Files, Folders, Others int
	Bytes                  int64
	Failed                 int
}

// Failure is what could not be read.
type Failure struct{ Path, Error string }

// maxFailures is how many failures a result has.
const maxFailures = 1000

// Result is what is in the archive.
type Result struct {
	Progress
	Size int64 // of the archive in bytes
	// Failures are the first 1,000.
	Failures []Failure
}

// workers is how many files are read at once.
const workers = 4

// Write packs to w. What w received is useless after an error, that of an ended ctx included.
func Write(ctx context.Context, w io.Writer, opts Options) (Result, error) {
	excluded, err := newExclusion(opts.Exclude)
	if err != nil {
		return Result{}, err
	}
	paths, root, err := resolve(opts.Paths)
	if err != nil {
		return Result{}, err
	}
	temporary, err := scratch.Make("pack")
	if err != nil {
		return Result{}, err
	}
	defer temporary.Remove()
	archive := ptarbuild.ArchiveOptions{
		Compression: opts.Compression, Passphrase: opts.Passphrase, Name: opts.Name, TempDir: temporary.Path,
		Source: header.Importer{Type: "fs", Directory: slashed(root)},
	}
	if archive.Name == "" {
		archive.Name = "default"
	}
	if opts.Reproducible {
		if opts.Passphrase != nil {
			return Result{}, errors.New("an encrypted archive is never the same twice")
		}
		archive.Source.Directory = "/"
		archive.Reproducible, archive.Time = true, opts.Time
		if archive.Time.IsZero() {
			archive.Time = time.Unix(0, 0)
		}
		archive.Time = archive.Time.UTC()
		if archive.RepositoryID, err = identify(ctx, archive, opts, paths, root, excluded); err != nil {
			return Result{}, err
		}
	} else {
		archive.Source.Origin, _ = os.Hostname()
		archive.Context = []header.KeyValue{
			{Key: "Hostname", Value: archive.Source.Origin}, {Key: "OperatingSystem", Value: runtime.GOOS},
			{Key: "Architecture", Value: runtime.GOARCH}, {Key: "Client", Value: "kpkg"},
		}
	}
	p := newPacker(opts, paths, root, excluded)
	size, err := ptarbuild.WriteArchive(ctx, w, archive, p.fill(ctx))
	p.result.Size = size
	return p.result, err
}

// identify derives the identifier of an archive from all that is in it: it packs once without one.
func identify(
	ctx context.Context, archive ptarbuild.ArchiveOptions, opts Options, paths []string, root string, excluded *exclusion,
) (uuid.UUID, error) {
	opts.Progress = nil
	archive.RepositoryID = uuid.Max
	sum := sha256.New()
	p := newPacker(opts, paths, root, excluded)
	if _, err := ptarbuild.WriteArchive(ctx, sum, archive, p.fill(ctx)); err != nil {
		return uuid.Nil, err
	}
	id := uuid.UUID(sum.Sum(nil)[:16])
	// Version 8 and the variant of RFC 9562: an identifier made by a rule of its own.
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id, nil
}

// resolve makes paths absolute, and finds the folder that all are in; a single folder is that itself.
func resolve(given []string) (paths []string, root string, err error) {
	for i, name := range given {
		absolute, err := filepath.Abs(name)
		if err == nil {
			absolute, err = filepath.EvalSymlinks(absolute)
		}
		if err != nil {
			return nil, "", fmt.Errorf("look at %s: %w", name, err)
		}
		info, err := os.Lstat(absolute)
		if err != nil {
			return nil, "", err
		}
		paths = append(paths, absolute)
		in := absolute
		if !info.IsDir() {
			in = filepath.Dir(absolute)
		}
		if i == 0 {
			root = in
		}
		for !inside(root, in) {
			up := filepath.Dir(root)
			if up == root {
				return nil, "", fmt.Errorf("%s and %s are in no common folder", given[0], name)
			}
			root = up
		}
	}
	// What is in another is packed with that.
	var top []string
	for i, p := range paths {
		covered := false
		for j, other := range paths {
			covered = covered || other != p && inside(other, p) || other == p && j < i
		}
		if !covered {
			top = append(top, p)
		}
	}
	return top, root, nil
}

func inside(dir, name string) bool {
	below, err := filepath.Rel(dir, name)
	return err == nil && filepath.IsLocal(below)
}

// slashed is a path as snapshots have it.
func slashed(name string) string {
	name = filepath.ToSlash(name)
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	return name
}

// packer packs files into one archive.
type packer struct {
	opts     Options
	paths    []string
	root     string
	excluded *exclusion
	owners   owners

	mu     sync.Mutex
	result Result
}

func newPacker(opts Options, paths []string, root string, excluded *exclusion) *packer {
	return &packer{opts: opts, paths: paths, root: root, excluded: excluded}
}

// fill walks the paths and adds what is there: several files at once, and one after the other where the order counts.
func (p *packer) fill(ctx context.Context) func(*ptarbuild.Archive) error {
	return func(archive *ptarbuild.Archive) error {
		group, ctx := errgroup.WithContext(ctx)
		found := make(chan *found, 64)
		count := workers
		if p.opts.Reproducible {
			count = 1
		}
		for range count {
			group.Go(func() error {
				for f := range found {
					if err := p.add(ctx, archive, f); err != nil {
						return err
					}
				}
				return nil
			})
		}
		group.Go(func() error {
			defer close(found)
			return p.walk(ctx, found)
		})
		return group.Wait()
	}
}

// add adds one entry with its attributes.
func (p *packer) add(ctx context.Context, archive *ptarbuild.Archive, f *found) error {
	if f.err != nil {
		return p.fail(archive, f.name, f.err)
	}
	record, err := p.record(f)
	if err != nil {
		return p.fail(archive, f.name, err)
	}
	attributes, err := listAttributes(f.path)
	if err != nil {
		if err := p.fail(archive, f.name, fmt.Errorf("its extended attributes: %w", err)); err != nil {
			return err
		}
	}
	record.ExtendedAttributes = attributes
	size, err := archive.Record(ctx, record)
	record.Close()
	if content := (*ptarbuild.ContentError)(nil); errors.As(err, &content) && ctx.Err() == nil {
		return p.fail(archive, f.name, content)
	}
	if err != nil {
		return err
	}
	if err := p.addAttributes(ctx, archive, f, attributes); err != nil {
		return err
	}
	p.tell(func(r *Progress) {
		switch mode := f.info.Mode(); {
		case mode.IsRegular():
			r.Files++
		case mode.IsDir():
			if inside(p.root, f.path) {
				r.Folders++
			}
		default:
			r.Others++
		}
		r.Bytes += size
	})
	return nil
}

func (p *packer) addAttributes(ctx context.Context, archive *ptarbuild.Archive, f *found, names []string) error {
	for _, name := range names {
		value, err := readAttribute(f.path, name)
		if err != nil {
			if err := p.fail(archive, f.name, fmt.Errorf("its extended attribute %s: %w", name, err)); err != nil {
				return err
			}
			continue
		}
		if _, err := archive.Record(ctx, attributeRecord(f.name, name, value)); err != nil {
			return err
		}
	}
	return nil
}

func (p *packer) fail(archive *ptarbuild.Archive, name string, reason error) error {
	p.tell(func(r *Progress) {
		r.Failed++
		if len(p.result.Failures) < maxFailures {
			p.result.Failures = append(p.result.Failures, Failure{name, plain(reason)})
		}
	})
	return archive.Fail(name, plain(reason))
}

// plain is an error without the path that it repeats.
func plain(err error) string {
	if path := (*fs.PathError)(nil); errors.As(err, &path) && err == error(path) {
		return path.Op + ": " + path.Err.Error()
	}
	return err.Error()
}

func (p *packer) tell(change func(*Progress)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.result.Progress)
	if p.opts.Progress != nil {
		p.opts.Progress(p.result.Progress)
	}
}
