package ptarread

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/vfs"
)

// Entry is a file, a directory, or something else recorded below a package's root.
type Entry struct {
	// Path is relative to the package's root, with slashes; the root itself is ".".
	Path string
	// Mode holds type and permissions. Only directories and regular files are ever opened or extracted.
	Mode fs.FileMode
	// Size is the length of a regular file's content in bytes, as its chunks add up.
	Size    int64
	ModTime time.Time
	// LinkTarget is where a symbolic link points.
	LinkTarget string
	// ContentMAC is the keyed hash of a regular file's content.
	ContentMAC objects.MAC
	// What the file system of the machine that made the package said of the file.
	UID, GID, Device, Inode uint64
	Links                   uint16
	User, Group             string
	// Attributes names extended attributes and alternate data streams, which plakar does not install.
	Attributes []string

	object objects.MAC
}

// node is what the snapshot's tree holds at a path.
type node struct {
	mac objects.MAC
	dir bool
	// names counts what a directory holds; listed is whether the dirpack index lists it.
	names  int
	listed bool
}

// readEntries reads the file tree: the index by path and the entries it leads to.
func (p *Package) readEntries(ctx context.Context) error {
	p.tree = map[string]*node{}
	known := map[objects.MAC]objectSize{}
	var unpacked int64
	err := p.walkTree(ctx, p.source().VFS.Root, resources.RT_VFS_BTREE, resources.RT_VFS_NODE, vfs.PathCmp,
		func(key string, mac objects.MAC) error {
			if len(p.tree) == maxEntries {
				return problemf(TooLarge, regionTree, nowhere, "holds more than %d entries", maxEntries)
			}
			entry, err := p.addEntry(ctx, key, mac)
			if err != nil {
				return err
			}
			if entry.Mode.IsRegular() {
				if err := p.addContent(ctx, key, &entry, known); err != nil {
					return err
				}
				if unpacked += entry.Size; unpacked > maxExpansion(p.size) {
					return problemf(TooLarge, regionTree, nowhere,
						"unpacks to more than %d bytes, too much for a package of %d bytes", maxExpansion(p.size), p.size)
				}
			}
			if below, ok := relative(p.root, key); ok {
				entry.Path = below
				p.entries = append(p.entries, entry)
			}
			return nil
		})
	if err != nil {
		return err
	}
	if root := p.tree[p.root]; root == nil || !root.dir {
		return problemf(Inconsistent, regionTree, nowhere, "the root directory %.80q is not in it", p.root)
	}
	slices.SortFunc(p.entries, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	return nil
}

// addEntry reads the entry that the tree holds at key and links it to its directory.
func (p *Package) addEntry(ctx context.Context, key string, mac objects.MAC) (Entry, error) {
	e, _, err := p.readEntry(ctx, key, mac, maxEntryElements)
	if err != nil {
		return Entry{}, err
	}
	if len(key) > maxPath || !utf8.ValidString(key) || strings.ContainsFunc(key, unsafeRune) {
		return Entry{}, problemf(Inconsistent, regionTree, nowhere, "holds the path %.80q, which no package may", key)
	}
	info := e.FileInfo
	if info.Mode().IsRegular() != e.HasObject() || info.Size() < 0 {
		return Entry{}, problemf(Inconsistent, regionTree, nowhere, "%.80q is of mode %v and size %d, which its content contradicts",
			key, info.Mode(), info.Size())
	}
	p.tree[key] = &node{mac: mac, dir: info.IsDir()}
	if key != "/" {
		// The tree's order has every directory before what is in it.
		parent := p.tree[path.Dir(key)]
		if parent == nil || !parent.dir {
			return Entry{}, problemf(Inconsistent, regionTree, nowhere, "%.80q is not in a directory", key)
		}
		parent.names++
	}
	return Entry{
		Mode: info.Mode(), Size: info.Size(), ModTime: info.ModTime(), LinkTarget: e.SymlinkTarget,
		UID: info.Uid(), GID: info.Gid(), Device: info.Dev(), Inode: info.Ino(), Links: info.Nlink(),
		User: info.Username(), Group: info.Groupname(),
		Attributes: slices.Concat(e.ExtendedAttributes, e.AlternateDataStreams),
		object:     e.Object,
	}, nil
}

// addContent completes the entry of a regular file from its object; known holds the objects read before.
func (p *Package) addContent(ctx context.Context, key string, e *Entry, known map[objects.MAC]objectSize) error {
	object, ok := known[e.object]
	if !ok {
		loaded, err := p.loadObject(ctx, e.object)
		if err != nil {
			return err
		}
		object = objectSize{loaded.size, loaded.mac}
		known[e.object] = object
	}
	if object.bytes != e.Size {
		return problemf(Inconsistent, regionTree, nowhere, "%.80q has a size of %d bytes but %d bytes of content",
			key, e.Size, object.bytes)
	}
	e.ContentMAC = object.mac
	return nil
}

// objectSize is what entries need of an object.
type objectSize struct {
	bytes int64
	mac   objects.MAC
}

// unsafeRune reports the characters that make a name mean something else to a terminal or to Windows' paths.
func unsafeRune(r rune) bool {
	return r == '\\' || unicode.IsControl(r) || r == unicode.ReplacementChar
}

// relative returns the path of key below root, both absolute and clean.
func relative(root, key string) (string, bool) {
	if key == root {
		return ".", true
	}
	return strings.CutPrefix(key, strings.TrimSuffix(root, "/")+"/")
}
