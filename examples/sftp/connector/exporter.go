package connector

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/objects"

	"github.com/PlakarKorp/kpkg/sdk"
)

// uploads is how many files are written at once, whatever the machine: what a small file takes is waiting for the server.
const uploads = 16

// Exporter is one folder on one server. It restores files, folders and symbolic links, their permissions and, but for links,
// times. Owners are those of who logs in.
type Exporter struct{ *server }

// NewExporter connects to the server of the location. ctx bounds that alone.
func NewExporter(ctx context.Context, _ *sdk.Options, proto string, config map[string]string) (*Exporter, error) {
	a, err := newAccount(proto, config)
	if err != nil {
		return nil, err
	}
	s, err := dial(ctx, a)
	return &Exporter{s}, err
}

// Flags is 0: the folder is not on this machine.
func (exp *Exporter) Flags() sdk.Flags { return 0 }

// Export writes what it is given and answers for each record.
func (exp *Exporter) Export(ctx context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error {
	defer close(results)
	client, err := exp.client(ctx)
	if err != nil {
		return err
	}
	r := &restore{Exporter: exp, client: client, links: map[string]bool{}}
	var running sync.WaitGroup
	places := make(chan struct{}, uploads)
	answer := func(record *connectors.Record, err error) {
		if err != nil {
			results <- record.Error(r.named(err))
		} else {
			results <- record.Ok()
		}
	}
	for {
		select {
		case <-ctx.Done():
			running.Wait()
			return context.Cause(ctx)
		case record, more := <-records:
			if !more {
				running.Wait()
				return r.describeFolders()
			}
			name, err := r.target(record)
			if err != nil || !record.FileInfo.Mode().IsRegular() {
				if err == nil {
					err = r.other(name, record)
				}
				answer(record, err)
				continue
			}
			places <- struct{}{}
			running.Go(func() {
				defer func() { <-places }()
				answer(record, r.file(ctx, name, record))
			})
		}
	}
}

// restore is one Export.
type restore struct {
	*Exporter
	client  *connection
	folders []folder
	links   map[string]bool // that it has made
}

// folder gets its permissions and its time last, for they may forbid writing into it, and that changes them.
type folder struct {
	name string
	info objects.FileInfo
	made bool // by this restore; what was there may be somebody else's
}

// target is where a record goes: below the root, and not through a link that came before.
func (r *restore) target(record *connectors.Record) (string, error) {
	switch {
	case record.Err != nil:
		return "", record.Err
	case record.IsXattr:
		return "", errors.New("SFTP has no extended attributes")
	case !path.IsAbs(record.Pathname) || path.Clean(record.Pathname) != record.Pathname || strings.ContainsRune(record.Pathname, 0):
		return "", errors.New("its path is not absolute and clean")
	}
	for parent := path.Dir(record.Pathname); parent != "/"; parent = path.Dir(parent) {
		if r.links[parent] {
			return "", fmt.Errorf("it is below %s, which is a link", parent)
		}
	}
	return path.Join(r.root, record.Pathname), nil
}

func (r *restore) file(ctx context.Context, name string, record *connectors.Record) error {
	content := &source{from: record.Reader, size: record.FileInfo.Size()}
	_, err := r.client.upload(name, content, false, func(partial string) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := r.client.describe(partial, record.FileInfo.Mode(), record.FileInfo.ModTime()); err != nil {
			return err
		}
		return r.client.replace(partial, name)
	})
	return err
}

// other makes what is no file.
func (r *restore) other(name string, record *connectors.Record) error {
	switch mode := record.FileInfo.Mode(); {
	case mode.IsDir():
		return r.folder(name, record.FileInfo)
	case mode&fs.ModeSymlink != 0:
		return r.link(name, record)
	default:
		return fmt.Errorf("it is a %v; SFTP makes files, folders and symbolic links", mode.Type())
	}
}

func (r *restore) folder(name string, info objects.FileInfo) error {
	f := folder{name, info, true}
	if err := r.client.Mkdir(name); err != nil {
		stat := r.client.Lstat
		if name == r.root { // which the user has named, link or not
			stat = r.client.Stat
		}
		there, statErr := stat(name)
		switch {
		case statErr == nil && there.IsDir():
			f.made = false
		case name != r.root:
			return err
		default:
			if err := r.client.MkdirAll(name); err != nil {
				return err
			}
		}
	}
	r.folders = append(r.folders, f)
	// It must be possible to write into it until then.
	return f.mayBeForeign(r.client.Chmod(name, info.Mode().Perm()|0o700))
}

// mayBeForeign is the error of describing a folder, if it counts: one that was there may belong to somebody else, who lets us write
// into it and no more.
func (f folder) mayBeForeign(err error) error {
	if !f.made && errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

func (r *restore) link(name string, record *connectors.Record) error {
	partial := path.Join(path.Dir(name), partialPrefix+rand.Text())
	if err := r.client.Symlink(record.Target, partial); err != nil {
		return err
	}
	if err := r.client.replace(partial, name); err != nil {
		return errors.Join(err, r.client.Remove(partial))
	}
	r.links[record.Pathname] = true
	return nil
}

// describeFolders does the innermost first.
func (r *restore) describeFolders() error {
	var failed error
	for _, f := range slices.Backward(r.folders) {
		if err := f.mayBeForeign(r.client.describe(f.name, f.info.Mode(), f.info.ModTime())); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", f.name, r.named(err)))
		}
	}
	return failed
}
