package ptarbuild

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/hashing"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/header"
	"github.com/PlakarKorp/kloset/snapshot/vfs"
	"github.com/gabriel-vasile/mimetype"
)

// writeSnapshot writes all blobs of the one snapshot: first the chunks of every file, so that a reader that reads past a
// large blob, as plakar's do, stays inside the file; then objects, entries, indexes and the header.
func writeSnapshot(ctx context.Context, pack *packfile, files []File, prints []fingerprint, at time.Time) error {
	lengths, err := cut(ctx, files)
	if err != nil {
		return err
	}
	contents := make([]content, len(files))
	for i, f := range files {
		if contents[i], err = writeChunks(ctx, pack, f, prints[i], lengths[i]); err != nil {
			return fmt.Errorf("pack %s: %w", f.Name, err)
		}
	}

	tree := newTree(at)
	for i, f := range files {
		serialized, err := contents[i].object.Serialize()
		if err != nil {
			return fmt.Errorf("pack %s: %w", f.Name, err)
		}
		object, err := pack.put(resources.RT_OBJECT, serialized)
		if err != nil {
			return err
		}
		tree.addFile(f, contents[i], object)
	}
	source, err := tree.write(pack)
	if err != nil {
		return err
	}

	head := header.NewHeader("", pack.seal.Sum(append([]byte("snapshot"), source.VFS.Root[:]...)))
	head.Timestamp = at
	head.Sources = []header.Source{source}
	serialized, err := head.Serialize()
	if err != nil {
		return fmt.Errorf("write the snapshot's header: %w", err)
	}
	return pack.Put(resources.RT_SNAPSHOT, head.Identifier, serialized)
}

// content is what packing the bytes of a file left to say about them.
type content struct {
	size   int64
	object *objects.Object
}

// headLength is how much of a file its type is told by.
const headLength = 3072

func writeChunks(ctx context.Context, pack *packfile, f File, taken fingerprint, lengths []int) (content, error) {
	r, err := f.Open()
	if err != nil {
		return content{}, err
	}
	defer r.Close()

	all, again := pack.seal.Hasher(), hashing.GetHasher(hashAlgorithm)
	c := content{object: objects.NewObject()}
	in := bufio.NewReaderSize(contextReader{ctx, r}, headLength)
	head, err := in.Peek(headLength)
	if err != nil && !errors.Is(err, io.EOF) {
		return content{}, err
	}
	c.object.ContentType = mimetype.Detect(head).String()
	var data []byte
	for _, length := range lengths {
		data = slices.Grow(data[:0], length)[:length]
		n, err := io.ReadFull(in, data)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return content{}, errChanged
		}
		if err != nil {
			return content{}, err
		}
		all.Write(data)
		again.Write(data)
		mac, err := pack.put(resources.RT_CHUNK, data)
		if err != nil {
			return content{}, err
		}
		chunk := objects.NewChunk()
		chunk.ContentMAC, chunk.Length = mac, uint32(n)
		c.object.Chunks = append(c.object.Chunks, *chunk)
		c.size += int64(n)
	}
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errChanged
		}
		return content{}, err
	}
	if [32]byte(again.Sum(nil)) != taken.hash {
		return content{}, errChanged
	}
	c.object.ContentMAC = objects.MAC(all.Sum(nil))
	return c, nil
}

var errChanged = errors.New("it changed while it was being packed; try again when nothing writes to it")

func fileInfo(name string, size int64, mode fs.FileMode, at time.Time) objects.FileInfo {
	// One link and no device or inode: plakar takes a file with several links for one it will meet again and installs
	// nothing.
	return objects.NewFileInfo(name, size, mode, at, 0, 0, 0, 0, 1)
}

func entryOf(pathname string, info objects.FileInfo) *vfs.Entry {
	return vfs.NewEntry(path.Dir(pathname), &connectors.Record{Pathname: pathname, FileInfo: info})
}
