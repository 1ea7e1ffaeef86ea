package pack

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/objects"

	"github.com/PlakarKorp/kpkg/internal/regular"
)

// found is an entry that the walk has come by, or why it cannot tell.
type found struct {
	path string // on disk
	name string // in the archive
	info fs.FileInfo
	err  error
}

// walk finds all that is to be packed: first the folders that lead there, with what the disk says of them.
func (p *packer) walk(ctx context.Context, out chan<- *found) error {
	send := func(f *found) error {
		select {
		case out <- f:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	known := map[string]bool{}
	for _, top := range p.paths {
		for _, dir := range p.leading(top) {
			if known[dir] {
				continue
			}
			known[dir] = true
			if info, err := os.Lstat(dir); err == nil { // what cannot be looked at, the archive makes up
				if err := send(&found{path: dir, name: p.name(dir), info: info}); err != nil {
					return err
				}
			}
		}
		if err := p.walkTop(top, send); err != nil {
			return err
		}
	}
	return nil
}

// leading are the folders above a path, the topmost first. What is above the common folder is left out of what is to be the same
// everywhere.
func (p *packer) leading(top string) []string {
	var dirs []string
	for dir := filepath.Dir(top); top != dir; top, dir = dir, filepath.Dir(dir) {
		if p.opts.Reproducible && !inside(p.root, dir) {
			break
		}
		dirs = append([]string{dir}, dirs...)
	}
	return dirs
}

func (p *packer) walkTop(top string, send func(*found) error) error {
	return filepath.WalkDir(top, func(name string, entry fs.DirEntry, err error) error {
		f := &found{path: name, name: p.name(name), err: err}
		if err != nil {
			// Of a folder that cannot be listed, this is the second visit.
			return send(f)
		}
		if name != top {
			below, err := filepath.Rel(top, name)
			if err != nil {
				return err
			}
			if p.excluded.has(below, entry.IsDir()) {
				if entry.IsDir() {
					return filepath.SkipDir
				}
				return nil
			}
		}
		if f.info, f.err = entry.Info(); f.err == nil && p.opts.Skip != nil && p.opts.Skip(f.info) {
			return nil
		}
		if errors.Is(f.err, fs.ErrNotExist) {
			return nil // gone since the folder was listed
		}
		return send(f)
	})
}

// name is a path as the archive has it.
func (p *packer) name(name string) string {
	if p.opts.Reproducible {
		if below, err := filepath.Rel(p.root, name); err == nil {
			return path.Join("/", filepath.ToSlash(below))
		}
	}
	return slashed(name)
}

// record is an entry as archives take it, with its content open to be read.
func (p *packer) record(f *found) (*connectors.Record, error) {
	info := objects.FileInfoFromStat(f.info)
	info.Lname = path.Base(f.name)
	if f.info.Mode().IsRegular() {
		// plakar v1.1.4 restores the first of several names of one file and loses the others: each is a file of its own here, whose
		// content is stored once.
		info.Lnlink = 1
	}
	if p.opts.Reproducible {
		info.Ldev, info.Lino, info.Luid, info.Lgid, info.Lnlink = 0, 0, 0, 0, 1
		info.LmodTime = info.LmodTime.UTC()
		if !p.opts.Time.IsZero() && info.LmodTime.After(p.opts.Time) {
			info.LmodTime = p.opts.Time.UTC()
		}
		if f.info.IsDir() {
			info.Lsize = 0 // the file system's own affair
		}
	} else {
		info.Lusername, info.Lgroupname = p.owners.names(info.Luid, info.Lgid)
	}
	target := ""
	if f.info.Mode()&fs.ModeSymlink != 0 {
		var err error
		if target, err = os.Readlink(f.path); err != nil {
			return nil, err
		}
	}
	return connectors.NewRecord(f.name, target, info, nil, func() (io.ReadCloser, error) {
		file, err := regular.Open(f.path)
		if err != nil {
			return nil, err
		}
		// Another file, or a link, may have the name by now.
		if now, err := file.Stat(); err != nil || !os.SameFile(now, f.info) {
			file.Close()
			return nil, errors.Join(errors.New("it was replaced while it was packed"), err)
		}
		return file, nil
	}), nil
}
