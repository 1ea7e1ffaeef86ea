package extract

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/snapshot/vfs"
)

// A snapshot has an entry for each name of a file, with what the file system that it is from said of it: device, inode and number
// of names. Entries of one inode are names of one file, if they say the same of its content, permissions, owners and time: a
// stranger's snapshot may contradict itself.

// inode is what the names of a file have in common.
type inode struct {
	device, number uint64
	object         objects.MAC
	mode           fs.FileMode
	uid, gid       uint64
	modified       int64 // nanoseconds
}

// linked is the first name of a file that has several.
type linked struct {
	below string
	// left is how many names are to come.
	left int
	// done is closed once the first name was written, or could not be.
	done    chan struct{}
	written bool
}

// inodes are the files of several names of which more are to come.
type inodes struct {
	known map[inode]*linked
	bytes int
}

const (
	// maxInodes is how much memory these may take. What comes beyond is written once for each name.
	maxInodes = 16 << 20
	// inodeSize is how much each takes, beside its name.
	inodeSize = 256
)

// meet notes one name of a file. It returns nil for one that is the only one, as far as is known.
func (x *inodes) meet(below string, e *vfs.Entry) (l *linked, first bool) {
	info := e.FileInfo
	if !info.Mode().IsRegular() || info.Nlink() < 2 || info.Ino() == 0 {
		return nil, false
	}
	id := inode{info.Dev(), info.Ino(), e.Object, info.Mode(), info.Uid(), info.Gid(), info.ModTime().UnixNano()}
	if l = x.known[id]; l != nil {
		if l.left--; l.left == 0 {
			delete(x.known, id)
			x.bytes -= inodeSize + len(l.below)
		}
		return l, false
	}
	if x.bytes += inodeSize + len(below); x.bytes > maxInodes {
		x.bytes -= inodeSize + len(below)
		return nil, false
	}
	if x.known == nil {
		x.known = map[inode]*linked{}
	}
	l = &linked{below: below, left: int(info.Nlink()) - 1, done: make(chan struct{})}
	x.known[id] = l
	return l, true
}

// hardLink makes another name of a file that was written before; false if it has to be written on its own. The first name was handed
// out before this one, so that a writer has it or has had it.
func (x *extraction) hardLink(t task) bool {
	if t.linked == nil || t.first {
		return false
	}
	<-t.linked.done
	if !t.linked.written {
		return false
	}
	from, to := filepath.FromSlash(t.linked.below), filepath.FromSlash(t.below)
	err := x.top.root.Link(from, to)
	if errors.Is(err, fs.ErrExist) && x.opts.Force {
		other := filepath.FromSlash(path.Join(path.Dir(t.below), temporary()))
		if err = x.top.root.Link(from, other); err == nil {
			err = x.replace(x.top, other, to)
			// Of two names of one file, renaming one to the other does nothing.
			x.top.root.Remove(other) //nolint:errcheck // mostly it is gone
		}
	}
	if err != nil {
		return false
	}
	x.files.Add(1)
	return true
}
