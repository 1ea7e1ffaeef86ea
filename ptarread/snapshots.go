package ptarread

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/header"
	"github.com/PlakarKorp/kloset/snapshot/vfs"
)

// SnapshotInfo is what a snapshot says of itself.
type SnapshotInfo struct {
	// ID is its identifier, 64 hexadecimal digits, of which plakar shows eight.
	ID string
	// Time is when it was made, Duration how long that took.
	Time     time.Time
	Duration time.Duration
	Name     string
	Tags     []string
	// Sources are where the files are from: one, unless plakar was given places of several kinds at once.
	Sources []Source
}

// Source is where files of a snapshot are from, as it says itself.
type Source struct {
	// Type and Origin are what the importer said of itself, such as ftp and a host's name.
	Type, Origin string
	// Root is the absolute path that the source began at.
	Root string
	// Files, Directories and Others count what there is, Others being links, devices, pipes and sockets; Errors what could
	// not be read. Bytes is how long all files are together.
	Files, Directories, Others, Errors, Bytes uint64
}

// Totals are the counts and bytes of all sources together.
func (i SnapshotInfo) Totals() Source {
	var all Source
	for _, s := range i.Sources {
		all.Files += s.Files
		all.Directories += s.Directories
		all.Others += s.Others
		all.Errors += s.Errors
		all.Bytes += s.Bytes
	}
	return all
}

// Snapshots describes all snapshots of the archive, the oldest first.
func (a *Archive) Snapshots() []SnapshotInfo { return slices.Clone(a.snapshots) }

// readSnapshots reads the headers of all snapshots, and keeps what is to be said of them.
func (a *Archive) readSnapshots(ctx context.Context) error {
	kept := 0
	for _, id := range a.index.snapshots {
		h, err := a.readHeader(ctx, id)
		if err != nil {
			return err
		}
		info := describe(h)
		if kept += info.size(); kept > maxSnapshotText {
			return problemf(TooLarge, regionSnapshot, nowhere, "the descriptions of its snapshots take more than %d bytes", maxSnapshotText)
		}
		a.snapshots = append(a.snapshots, info)
	}
	slices.SortFunc(a.snapshots, func(x, y SnapshotInfo) int { return cmp.Or(x.Time.Compare(y.Time), cmp.Compare(x.ID, y.ID)) })
	return nil
}

func describe(h *header.Header) SnapshotInfo {
	info := SnapshotInfo{
		ID: hex.EncodeToString(h.Identifier[:]), Time: h.Timestamp, Duration: h.Duration, Name: h.Name, Tags: h.Tags,
	}
	for _, s := range h.Sources {
		here, below := s.Summary.Directory, s.Summary.Below
		info.Sources = append(info.Sources, Source{
			Type: s.Importer.Type, Origin: s.Importer.Origin, Root: s.Importer.Directory,
			Files: here.Files + below.Files, Directories: here.Directories + below.Directories,
			Others: here.Symlinks + below.Symlinks + here.Devices + below.Devices + here.Pipes + below.Pipes + here.Sockets + below.Sockets,
			Errors: here.Errors + below.Errors, Bytes: here.Size + below.Size,
		})
	}
	return info
}

// size is how many bytes of memory a description takes, about.
func (i SnapshotInfo) size() int {
	n := 256 + len(i.Name)
	for _, tag := range i.Tags {
		n += 16 + len(tag)
	}
	for _, s := range i.Sources {
		n += 128 + len(s.Type) + len(s.Origin) + len(s.Root)
	}
	return n
}

// latest is the name of the youngest snapshot.
const latest = "latest"

// Snapshot opens the snapshot whose identifier begins with id, or the youngest for "latest". The error of an identifier that
// none has, or several, lists those that there are.
func (a *Archive) Snapshot(ctx context.Context, id string) (*Snapshot, error) {
	var candidates []SnapshotInfo
	if id == latest {
		candidates = a.snapshots[max(0, len(a.snapshots)-1):]
	} else {
		for _, info := range a.snapshots {
			if strings.HasPrefix(info.ID, strings.ToLower(id)) {
				candidates = append(candidates, info)
			}
		}
	}
	switch {
	case len(a.snapshots) == 0:
		return nil, problemf(Snapshots, regionSnapshot, nowhere, "the file holds no snapshot")
	case len(candidates) == 0:
		return nil, fmt.Errorf("no snapshot %.80q; there are %s", id, listed(a.snapshots))
	case len(candidates) > 1:
		return nil, fmt.Errorf("snapshot %.80q is one of several: %s", id, listed(candidates))
	}
	info := candidates[0]
	var mac objects.MAC
	if _, err := hex.Decode(mac[:], []byte(info.ID)); err != nil {
		return nil, err
	}
	var s *Snapshot
	err := guard(func() error {
		h, err := a.readHeader(ctx, mac)
		if err != nil {
			return err
		}
		s, err = a.openSource(ctx, info, h, 0)
		return err
	})
	return s, err
}

// listed names snapshots in a message, the youngest first.
func listed(all []SnapshotInfo) string {
	const shown = 20
	var names []string
	for i, info := range slices.Backward(all) {
		if len(names) == shown {
			names = append(names, fmt.Sprintf("and %d more", i+1))
			break
		}
		names = append(names, fmt.Sprintf("%s of %s", info.ID[:8], info.Time.UTC().Format(time.RFC3339)))
	}
	return strings.Join(names, ", ")
}

// Snapshot is one snapshot of an archive, and of that the files of one source.
type Snapshot struct {
	archive *Archive
	header  *header.Header
	info    SnapshotInfo
	number  int         // of the source
	root    objects.MAC // the topmost node of the file tree
}

// openSource finds the tree of a source.
func (a *Archive) openSource(ctx context.Context, info SnapshotInfo, h *header.Header, number int) (*Snapshot, error) {
	s := &Snapshot{archive: a, header: h, info: info, number: number}
	var err error
	s.root, err = a.readRoot(ctx, s.trees().Root, resources.RT_VFS_BTREE)
	return s, err
}

func (s *Snapshot) trees() header.VFS { return s.header.Sources[s.number].VFS }

// Info describes the snapshot.
func (s *Snapshot) Info() SnapshotInfo { return s.info }

// Source says where the files are from.
func (s *Snapshot) Source() Source { return s.info.Sources[s.number] }

// OfSource is the same snapshot with the files of another of its sources, as Info numbers them.
func (s *Snapshot) OfSource(ctx context.Context, number int) (other *Snapshot, err error) {
	if number < 0 || number >= len(s.info.Sources) {
		return nil, fmt.Errorf("no source %d; the snapshot has %d", number, len(s.info.Sources))
	}
	err = guard(func() (err error) {
		other, err = s.archive.openSource(ctx, s.info, s.header, number)
		return err
	})
	return other, err
}

// Failure is a file that the writer could not read. It is not in the package or archive, though the writer said nothing.
type Failure struct{ Path, Message string }

// Failures visits what the snapshot's writer could not read, by path, up to the first error.
func (s *Snapshot) Failures(ctx context.Context, visit func(Failure) error) error {
	return s.archive.walkTree(ctx, s.trees().Errors, resources.RT_ERROR_BTREE, resources.RT_ERROR_NODE, strings.Compare,
		func(key string, mac objects.MAC) error {
			item, err := s.archive.readError(ctx, mac)
			if err != nil {
				return err
			}
			return visit(Failure{key, item.Error})
		})
}

// Attribute is an extended attribute, or an alternate data stream, of the entry at a path.
type Attribute struct {
	Path, Name string
	Type       objects.Attribute
	// Object is the value, which Content reads.
	Object objects.MAC
}

// Attributes visits all attributes, up to the first error.
func (s *Snapshot) Attributes(ctx context.Context, visit func(Attribute) error) error {
	return s.archive.walkTree(ctx, s.trees().Xattrs, resources.RT_XATTR_BTREE, resources.RT_XATTR_NODE, vfs.PathCmp,
		func(key string, mac objects.MAC) error {
			x, err := readAs(ctx, &s.archive.store, blobID{resources.RT_XATTR_ENTRY, mac}, 16, vfs.XattrFromBytes)
			if err != nil {
				return err
			}
			if x.ToPath() != key {
				return problemf(Inconsistent, regionTree, nowhere, "the attribute at %.80q calls itself %.80q", key, x.ToPath())
			}
			return visit(Attribute{x.Path, x.Name, x.Type, x.Object})
		})
}

// AttributesOf lists the attributes of an entry at a path, by the names that the entry has of them.
func (s *Snapshot) AttributesOf(ctx context.Context, path string, e *vfs.Entry) ([]Attribute, error) {
	if len(e.ExtendedAttributes)+len(e.AlternateDataStreams) == 0 {
		return nil, nil
	}
	root, err := s.archive.readRoot(ctx, s.trees().Xattrs, resources.RT_XATTR_BTREE)
	if err != nil {
		return nil, err
	}
	search := &treeSearch{s: &s.archive.store, typ: resources.RT_XATTR_NODE, root: root}
	var found []Attribute
	for typ, names := range map[objects.Attribute][]string{
		objects.AttributeExtended: e.ExtendedAttributes, objects.AttributeADS: e.AlternateDataStreams,
	} {
		for _, name := range names {
			x := vfs.Xattr{Path: path, Name: name, Type: typ}
			mac, err := search.find(ctx, x.ToPath())
			if err != nil {
				return found, fmt.Errorf("attribute %.80q: %w", name, err)
			}
			read, err := readAs(ctx, &s.archive.store, blobID{resources.RT_XATTR_ENTRY, mac}, 16, vfs.XattrFromBytes)
			if err != nil {
				return found, fmt.Errorf("attribute %.80q: %w", name, err)
			}
			found = append(found, Attribute{path, name, typ, read.Object})
		}
	}
	return found, nil
}

// Recorded lists what the snapshot records of the machine and person that made it, in the order of the file.
func (s *Snapshot) Recorded() []Recorded {
	return recorded(s.header, &s.header.Sources[s.number])
}

// checkKey refuses keys of a file tree that no file can have as its path.
func checkKey(key string) error {
	if !path.IsAbs(key) || path.Clean(key) != key || len(key) > maxArchivePath {
		return problemf(Inconsistent, regionTree, nowhere, "holds the path %.80q, which no file can have", key)
	}
	return nil
}
