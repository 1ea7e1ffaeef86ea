package ptarread

import (
	"bytes"
	"encoding/binary"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/vfs"
)

// Failure is a file that the package's writer could not read. It is not in the package, though the writer said nothing.
type Failure struct{ Path, Message string }

// Failures lists what the package's writer could not read.
func (p *Package) Failures() []Failure { return slices.Clone(p.failures) }

// valueTypes are what the trees of a snapshot's named indexes lead to.
var valueTypes = map[string]resources.Type{
	"content-type": resources.RT_VFS_ENTRY,
	"summary":      resources.RT_VFS_SUMMARY,
	"dirpack":      resources.RT_OBJECT,
}

// readIndexes reads the trees beside the file tree.
func (p *Package) readIndexes() error {
	trees := p.source().VFS
	err := p.walkTree(trees.Errors, resources.RT_ERROR_BTREE, resources.RT_ERROR_NODE, strings.Compare, p.readFailure)
	if err != nil {
		return err
	}
	err = p.walkTree(trees.Xattrs, resources.RT_XATTR_BTREE, resources.RT_XATTR_NODE, vfs.PathCmp,
		func(key string, mac objects.MAC) error {
			// Never installed, so that their presence is all there is to say (Entry.Attributes).
			_, err := p.find(blobID{resources.RT_XATTR_ENTRY, mac})
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
			_, err := p.find(blobID{values, mac})
			return err
		}
		if x.Name == "dirpack" {
			visit = p.readDirpack
		}
		if err := p.walkTree(x.Value, resources.RT_BTREE_ROOT, resources.RT_BTREE_NODE, strings.Compare, visit); err != nil {
			return err
		}
	}
	return p.dirpacksComplete(named["dirpack"])
}

func (p *Package) readFailure(key string, mac objects.MAC) error {
	if len(p.failures) == MaxEntries {
		return problemf(TooLarge, regionTree, nowhere, "records more than %d errors", MaxEntries)
	}
	data, err := p.readValue(resources.RT_ERROR_ENTRY, mac, 16)
	if err != nil {
		return err
	}
	item, err := vfs.ErrorItemFromBytes(data)
	if err != nil {
		return p.malformed(blobID{resources.RT_ERROR_ENTRY, mac}, err)
	}
	p.failures = append(p.failures, Failure{Path: key, Message: item.Error})
	return nil
}

// readDirpack compares the listing of one directory in the dirpack index with the tree. plakar extracts from these
// listings, so that one that differs would install something else than the tree shows.
//
// A listing is a sequence of frames: type 1 | length 4 | serialized entry | MAC of the entry 32.
func (p *Package) readDirpack(dir string, object objects.MAC) error {
	node := p.tree[dir]
	if node == nil || !node.dir {
		return problemf(Inconsistent, regionTree, nowhere, "the dirpack index lists %.80q, which is not a directory", dir)
	}
	listing, err := p.readListing(object)
	if err != nil {
		return err
	}
	differs := problemf(Inconsistent, regionTree, nowhere, "the dirpack index lists %.80q differently", dir)
	names := map[string]bool{}
	for len(listing) > 0 {
		var mac objects.MAC
		const head = 1 + 4
		if len(listing) < head {
			return differs
		}
		length := int64(binary.LittleEndian.Uint32(listing[1:]))
		if length < int64(len(mac)) || length > int64(len(listing)-head) {
			return differs
		}
		frame := listing[head : head+length]
		listing = listing[head+length:]
		serialized := frame[:len(frame)-len(mac)]
		copy(mac[:], frame[len(serialized):])
		if p.key.sum(serialized) != mac {
			return differs
		}
		if err := checkShape(serialized, 256); err != nil {
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

// readListing reads the whole content of a listing, within the budget of metadata.
func (p *Package) readListing(mac objects.MAC) ([]byte, error) {
	object, err := p.loadObject(mac)
	if err != nil {
		return nil, err
	}
	if size := object.Size(); size > int64(maxMetadata-p.metadata) {
		return nil, problemf(TooLarge, regionBlobs, nowhere, "its directory listings take more than %d bytes", maxMetadata)
	}
	p.metadata += int(object.Size())
	var listing bytes.Buffer
	if _, err := io.Copy(&listing, p.content(object)); err != nil {
		return nil, err
	}
	return listing.Bytes(), nil
}

// dirpacksComplete checks that every directory has a listing if the snapshot has listings at all.
func (p *Package) dirpacksComplete(present bool) error {
	for dir, node := range p.tree {
		if present && node.dir && !node.listed {
			return problemf(Inconsistent, regionTree, nowhere, "the dirpack index lacks the directory %q", dir)
		}
	}
	return nil
}
