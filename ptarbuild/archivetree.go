package ptarbuild

import (
	"container/heap"
	"context"
	"encoding/binary"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/header"
	"github.com/PlakarKorp/kloset/snapshot/vfs"

	"github.com/PlakarKorp/kpkg/internal/sorted"
)

// about is what the summaries of folders take from an entry.
type about struct {
	mode        fs.FileMode
	time        int64
	size        uint64
	chunks      uint32
	contentType string // without its parameters; "" for a folder
}

// append appends what readAbout reads, and the entry itself.
func (a about) append(out, entry []byte) []byte {
	out = binary.LittleEndian.AppendUint32(out, uint32(a.mode))
	out = binary.LittleEndian.AppendUint64(out, uint64(a.time))
	out = binary.LittleEndian.AppendUint64(out, a.size)
	out = binary.LittleEndian.AppendUint32(out, a.chunks)
	out = binary.AppendUvarint(out, uint64(len(a.contentType)))
	return append(append(out, a.contentType...), entry...)
}

func readAbout(data []byte) (a about, entry []byte) {
	a = about{
		mode: fs.FileMode(binary.LittleEndian.Uint32(data)), time: int64(binary.LittleEndian.Uint64(data[4:])),
		size: binary.LittleEndian.Uint64(data[12:]), chunks: binary.LittleEndian.Uint32(data[20:]),
	}
	length, n := binary.Uvarint(data[24:])
	entry = data[24+n:]
	a.contentType = string(entry[:length])
	return a, entry[length:]
}

// treeWriter goes through all entries backwards, the deepest first. What is in one folder comes together; the folder itself comes
// later, among its own neighbours, and not in the order of what is in them: a/x comes before a-b/x, and a after a-b. The folders
// whose content has been seen wait for that, and those whose turn has passed never came.
type treeWriter struct {
	a         *Archive
	files     *backwardIndex
	summaries *sorted.Pairs
	// seen are the folders whose content has been seen and that have not come yet; current is that of the entries that come.
	seen    folders
	current *folder
}

type folder struct {
	path    string
	summary vfs.Summary
}

// folders is a heap, of which the first is the one that comes first.
type folders []*folder

func (f folders) Len() int           { return len(f) }
func (f folders) Less(i, j int) bool { return vfs.PathCmp(f[i].path, f[j].path) > 0 }
func (f folders) Swap(i, j int)      { f[i], f[j] = f[j], f[i] }
func (f *folders) Push(x any)        { *f = append(*f, x.(*folder)) }
func (f *folders) Pop() any {
	last := (*f)[len(*f)-1]
	*f = (*f)[:len(*f)-1]
	return last
}

// missingTime is the time of folders that nobody described.
var missingTime = time.Unix(0, 0).UTC()

// writeTree writes the file tree and its summaries, and adds folders that lead to entries and were not added themselves.
func (a *Archive) writeTree(ctx context.Context, source *header.Source) error {
	t := treeWriter{
		a: a, files: newBackwardIndex(a.blobs, resources.RT_VFS_BTREE, resources.RT_VFS_NODE, vfs.PathCmp),
		summaries: sorted.New(a.opts.TempDir, func(x, y string) int { return strings.Compare(y, x) }),
	}
	defer t.summaries.Close()
	for pair, err := range a.entries.All() {
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err == nil {
			e, serialized := readAbout(pair.Value)
			err = t.entry(pair.Key, serialized, e)
		}
		if err != nil {
			return err
		}
	}
	if !t.files.begun || t.files.last != "/" {
		if err := t.upTo("/"); err != nil {
			return err
		}
		if err := t.missing("/"); err != nil {
			return err
		}
	}
	root, err := t.files.finish()
	if err != nil {
		return err
	}
	source.VFS.Root = root
	index, err := a.writePairs(ctx, t.summaries, resources.RT_BTREE_ROOT, resources.RT_BTREE_NODE, strings.Compare)
	if err != nil {
		return err
	}
	source.Indexes = []header.Index{{Name: "summary", Type: "btree", Value: index}}
	return t.top(source)
}

// entry takes the next entry.
func (t *treeWriter) entry(name string, serialized []byte, e about) error {
	if t.files.begun && t.files.last == name {
		return fmt.Errorf("%q was added twice", name)
	}
	if err := t.upTo(name); err != nil {
		return err
	}
	summary := t.take(name)
	switch {
	case e.mode.IsDir():
		if summary == nil {
			summary = &vfs.Summary{}
		}
	case summary != nil:
		return fmt.Errorf("%q is no folder, and has entries below it", name)
	}
	mac, err := t.put(name, serialized)
	if err != nil {
		return err
	}
	if summary != nil {
		return t.folder(name, summary)
	}
	parent := t.parent(name)
	parent.Directory.Children++
	objectCount := uint64(0)
	if e.mode.IsRegular() {
		objectCount = 1
	}
	parent.UpdateWithFileSummary(&vfs.FileSummary{
		Size: e.size, Objects: objectCount, Chunks: uint64(e.chunks), Mode: e.mode, ModTime: e.time, ContentType: e.contentType,
	})
	return t.a.types.Add("/"+e.contentType+name, mac[:])
}

// upTo adds the folders that should have come before an entry and did not.
func (t *treeWriter) upTo(name string) error {
	for len(t.seen) > 0 && vfs.PathCmp(t.seen[0].path, name) > 0 {
		if err := t.missing(t.seen[0].path); err != nil {
			return err
		}
	}
	return nil
}

// missing adds a folder that nobody described.
func (t *treeWriter) missing(name string) error {
	info := objects.FileInfo{Lname: path.Base(name), Lmode: fs.ModeDir | 0o750, LmodTime: missingTime}
	serialized, err := vfs.NewEntry(path.Dir(name), &connectors.Record{Pathname: name, FileInfo: info}).ToBytes()
	if err != nil {
		return err
	}
	if _, err := t.put(name, serialized); err != nil {
		return err
	}
	summary := t.take(name)
	if summary == nil {
		summary = &vfs.Summary{}
	}
	return t.folder(name, summary)
}

// put writes an entry.
func (t *treeWriter) put(name string, serialized []byte) (objects.MAC, error) {
	mac, err := t.a.blobs.put(resources.RT_VFS_ENTRY, serialized)
	if err != nil {
		return mac, err
	}
	return mac, t.files.add(name, mac)
}

// take returns the summary of a folder whose content has been seen.
func (t *treeWriter) take(name string) *vfs.Summary {
	if len(t.seen) == 0 || t.seen[0].path != name {
		return nil
	}
	return &heap.Pop(&t.seen).(*folder).summary
}

// parent is the summary of the folder that an entry is in.
func (t *treeWriter) parent(name string) *vfs.Summary {
	if in := path.Dir(name); t.current == nil || t.current.path != in {
		t.current = &folder{path: in}
		heap.Push(&t.seen, t.current)
	}
	return &t.current.summary
}

// folder writes the summary of a folder, and counts it in that of the folder above.
func (t *treeWriter) folder(name string, summary *vfs.Summary) error {
	summary.UpdateAverages()
	serialized, err := summary.ToBytes()
	if err != nil {
		return err
	}
	mac, err := t.a.blobs.put(resources.RT_VFS_SUMMARY, serialized)
	if err != nil {
		return err
	}
	if err := t.summaries.Add(name, mac[:]); err != nil {
		return err
	}
	if name == "/" {
		t.seen = folders{{path: name, summary: *summary}}
		return nil
	}
	parent := t.parent(name)
	parent.Directory.Children++
	parent.Directory.Directories++
	parent.UpdateBelow(summary)
	return nil
}

// top keeps the summary of the root, which the header has too.
func (t *treeWriter) top(source *header.Source) error {
	if len(t.seen) != 1 || t.seen[0].path != "/" {
		return fmt.Errorf("it has no root")
	}
	source.Summary = t.seen[0].summary
	source.Summary.Below.Errors = t.a.failed
	return nil
}
