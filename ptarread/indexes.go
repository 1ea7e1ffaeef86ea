package ptarread

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/vfs"
)

// Failures lists what the package's writer could not read.
func (p *Package) Failures() []Failure { return slices.Clone(p.failures) }

// valueTypes are what the trees of a snapshot's named indexes lead to.
var valueTypes = map[string]resources.Type{
	"content-type": resources.RT_VFS_ENTRY,
	"summary":      resources.RT_VFS_SUMMARY,
	dirpack:        resources.RT_OBJECT,
}

// readIndexes reads the trees beside the file tree.
func (p *Package) readIndexes(ctx context.Context) error {
	trees := p.source().VFS
	err := p.walkTree(ctx, trees.Errors, resources.RT_ERROR_BTREE, resources.RT_ERROR_NODE, strings.Compare,
		func(key string, mac objects.MAC) error {
			if len(p.failures) == maxEntries {
				return problemf(TooLarge, regionTree, nowhere, "records more than %d errors", maxEntries)
			}
			item, err := p.readError(ctx, mac)
			if err == nil {
				p.failures = append(p.failures, Failure{Path: key, Message: item.Error})
			}
			return err
		})
	if err != nil {
		return err
	}
	err = p.walkTree(ctx, trees.Xattrs, resources.RT_XATTR_BTREE, resources.RT_XATTR_NODE, vfs.PathCmp,
		func(key string, mac objects.MAC) error {
			// Never installed, so that their presence is all there is to say (Entry.Attributes).
			_, _, err := p.use(blobID{resources.RT_XATTR_ENTRY, mac})
			return err
		})
	if err != nil {
		return err
	}
	named := map[string]bool{}
	for _, x := range p.source().Indexes {
		values, known := valueTypes[x.Name]
		if !known || x.Type != "btree" || named[x.Name] {
			return problemf(Inconsistent, regionSnapshot, nowhere, "has an index %.40q of type %.40q, unknown or twice", x.Name, x.Type)
		}
		named[x.Name] = true
		visit := func(_ string, mac objects.MAC) error {
			_, _, err := p.use(blobID{values, mac})
			return err
		}
		if x.Name == dirpack {
			visit = func(dir string, mac objects.MAC) error { return p.readDirpack(ctx, dir, mac) }
		}
		if err := p.walkTree(ctx, x.Value, resources.RT_BTREE_ROOT, resources.RT_BTREE_NODE, strings.Compare, visit); err != nil {
			return err
		}
	}
	return p.dirpacksComplete(named[dirpack])
}

// readError reads what the snapshot says of something that its writer could not read.
func (s *store) readError(ctx context.Context, mac objects.MAC) (*vfs.ErrorItem, error) {
	return readAs(ctx, s, blobID{resources.RT_ERROR_ENTRY, mac}, 16, vfs.ErrorItemFromBytes)
}

// readDirpack compares the listing of one directory in the dirpack index with the tree. plakar extracts from these
// listings, so that one that differs would install something else than the tree shows.
//
// A listing is a sequence of frames: type 1 | length 4 | serialized entry | MAC of the entry 32.
func (p *Package) readDirpack(ctx context.Context, dir string, mac objects.MAC) error {
	node := p.tree[dir]
	if node == nil || !node.dir {
		return problemf(Inconsistent, regionTree, nowhere, "the dirpack index lists %.80q, which is not a directory", dir)
	}
	l, err := p.loadObject(ctx, mac)
	if err != nil {
		return err
	}
	if err := p.spend(l.size, "directory listings"); err != nil {
		return err
	}
	differs := problemf(Inconsistent, regionTree, nowhere, "the dirpack index lists %.80q differently", dir)
	names := map[string]bool{}
	content, err := p.reader(ctx, l)
	if err != nil {
		return err
	}
	frames := frameReader{in: bufio.NewReader(content)}
	for {
		serialized, mac, err := frames.next()
		if err == io.EOF {
			break
		}
		if errors.Is(err, errFrame) || err == nil && p.key.Sum(serialized) != mac {
			return differs
		}
		if err != nil {
			return err
		}
		if err := checkShape(serialized, maxEntryElements); err != nil {
			return differs
		}
		entry, err := vfs.EntryFromBytes(serialized)
		if err != nil {
			return differs
		}
		child := p.tree[entry.Path()]
		if child == nil || child.mac != mac || path.Dir(entry.Path()) != dir || names[entry.Name()] {
			return differs
		}
		names[entry.Name()] = true
	}
	if len(names) != node.names {
		return differs
	}
	node.listed = true
	return nil
}

// errFrame is a frame that is cut short or longer than an entry may be.
var errFrame = errors.New("not a frame of a listing")

// frameReader reads the frames of a listing, of which it holds one.
type frameReader struct {
	in    *bufio.Reader
	frame []byte
}

// next returns an entry, which stays as it is until the next call, and its MAC. The error is io.EOF after the last one.
func (f *frameReader) next() ([]byte, objects.MAC, error) {
	var mac objects.MAC
	head := make([]byte, 1+4)
	if _, err := io.ReadFull(f.in, head); err != nil {
		return nil, mac, cutFrame(err)
	}
	length := int64(binary.LittleEndian.Uint32(head[1:]))
	if length < int64(len(mac)) || length > int64(maxRecord+len(mac)) {
		return nil, mac, errFrame
	}
	f.frame = slices.Grow(f.frame[:0], int(length))[:length]
	if _, err := io.ReadFull(f.in, f.frame); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, mac, cutFrame(err)
	}
	serialized := f.frame[:len(f.frame)-len(mac)]
	return serialized, objects.MAC(f.frame[len(serialized):]), nil
}

func cutFrame(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errFrame
	}
	return err
}

// dirpacksComplete checks that every directory has a listing if the snapshot has listings at all.
func (p *Package) dirpacksComplete(present bool) error {
	for dir, node := range p.tree {
		if present && node.dir && !node.listed {
			return problemf(Inconsistent, regionTree, nowhere, "the dirpack index lacks the directory %.80q", dir)
		}
	}
	return nil
}
