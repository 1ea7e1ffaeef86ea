package ptarbuild

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"path"
	"strings"
	"sync"
	"time"

	chunkers "github.com/PlakarKorp/go-cdc-chunkers"
	"github.com/PlakarKorp/kloset/chunking"
	"github.com/PlakarKorp/kloset/compression"
	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/encryption"
	"github.com/PlakarKorp/kloset/hashing"
	"github.com/PlakarKorp/kloset/objects"
	klosetpack "github.com/PlakarKorp/kloset/packfile"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/header"
	"github.com/PlakarKorp/kloset/snapshot/vfs"
	"github.com/gabriel-vasile/mimetype"
	"github.com/google/uuid"

	"github.com/PlakarKorp/kpkg/internal/ptar"
	"github.com/PlakarKorp/kpkg/internal/sorted"
)

// Chunks of an archive are cut where they come by, as kloset's own writer does: what is in them is read once.
const (
	archiveChunkMin    = 64 << 10
	archiveChunkNormal = 512 << 10
)

// ArchiveOptions say what an archive holds beside its entries, and how.
type ArchiveOptions struct {
	// Compression of every blob; "" means LZ4, which costs the least time.
	Compression Compression
	// Passphrase encrypts the archive; nil does not.
	Passphrase []byte
	// Name is the snapshot's.
	Name string
	// Source is where the entries are from. Its directory is an absolute path, with slashes; all entries are in it, or lead to it.
	Source header.Importer
	// Context are facts about the machine that the snapshot records.
	Context []header.KeyValue
	// RepositoryID and Time, which is the time of the snapshot, are random and now when they are zero.
	RepositoryID uuid.UUID
	Time         time.Time
	// Reproducible gives the snapshot an identifier that derives from what is in it, not a random one.
	Reproducible bool
	// TempDir is a folder for what does not stay in memory, less than a kilobyte of an entry.
	TempDir string
}

// Archive is a snapshot that is being written, into an archive or a store. Its methods may be called concurrently.
type Archive struct {
	blobs  keyedBlobs
	opts   ArchiveOptions
	chunks chunking.Configuration
	cut    sync.Pool // of *chunkers.Chunker

	mu sync.Mutex
	// entries are in the order opposite to that of the file tree, which is built from its end. They are written in that order, not as
	// they come: what is in one folder is in one place, so that it can be listed over a network.
	entries, types, attributes, failures *sorted.Pairs
	failed                               uint64
}

// WriteArchive writes an archive to w: what fill adds to it. n is its size in bytes. Memory does not grow with the size of files,
// and with their number by 20 bytes for each different content. When it fails or ctx ends, what w received is useless.
func WriteArchive(ctx context.Context, w io.Writer, opts ArchiveOptions, fill func(*Archive) error) (n int64, err error) {
	if opts.Compression == "" {
		opts.Compression = LZ4
	}
	if err := opts.Compression.check(); err != nil {
		return 0, err
	}
	if opts.RepositoryID == uuid.Nil {
		opts.RepositoryID = uuid.New()
	}
	if opts.Time.IsZero() {
		opts.Time = time.Now()
	}
	config := opts.configuration()
	seal := sealer{Key: ptar.NewKey(hashAlgorithm, opts.RepositoryID)}
	encode := encoding{compression: opts.Compression}
	if opts.Passphrase != nil {
		if encode.encryption, encode.key, err = NewEncryption(opts.Passphrase); err != nil {
			return 0, err
		}
		config.Encryption = encode.encryption
		seal = sealer{Key: ptar.NewSecretKey(hashAlgorithm, encode.key), secret: true}
	}
	index, err := newFiledIndex(opts.TempDir, encode)
	if err != nil {
		return 0, fmt.Errorf("make a temporary file: %w", err)
	}
	defer index.close()

	out := &counter{w: bufio.NewWriterSize(w, 256<<10)}
	if _, err := out.Write(ptar.AppendStart(nil)); err != nil {
		return 0, fmt.Errorf("write the archive: %w", err)
	}
	var layout ptar.Layout
	for _, region := range []struct {
		place *ptar.Section
		write func() error
	}{
		{&layout.Config, func() error {
			body, err := config.ToBytes()
			if err != nil {
				return err
			}
			return seal.copy(out, resources.RT_CONFIG, bytes.NewReader(body))
		}},
		{&layout.Packfile, func() error {
			return seal.stream(out, resources.RT_PACKFILE, func(body io.Writer) error {
				pack := newPackfile(body, encode.blob, index, seal)
				defer pack.stop()
				if _, err := writeEntries(ctx, keyedBlobs{pack, seal.Key}, config.Chunking, opts, fill); err != nil {
					return err
				}
				return pack.finish(opts.Time)
			})
		}},
		{&layout.State, func() error {
			return seal.stream(out, resources.RT_STATE, func(body io.Writer) error {
				return encode.stream(body, func(plain io.Writer) error {
					return index.state(plain, opts.RepositoryID, opts.Time)
				})
			})
		}},
	} {
		offset := out.n
		if err := region.write(); err != nil {
			return 0, err
		}
		*region.place = ptar.Section{Offset: offset, Length: out.n - offset}
	}
	if _, err := out.Write(layout.AppendTrailer(nil)); err != nil {
		return 0, fmt.Errorf("write the archive: %w", err)
	}
	if err := out.w.Flush(); err != nil {
		return 0, fmt.Errorf("write the archive: %w", err)
	}
	return out.n, context.Cause(ctx)
}

func (o ArchiveOptions) configuration() *storage.Configuration {
	c := &storage.Configuration{
		Version:      formatVersion,
		Timestamp:    o.Time,
		RepositoryID: o.RepositoryID,
		// One packfile holds everything, whatever its size.
		Packfile: klosetpack.Configuration{MaxSize: math.MaxUint64},
		Chunking: chunking.Configuration{
			Algorithm: chunkAlgorithm, MinSize: archiveChunkMin, NormalSize: archiveChunkNormal, MaxSize: chunkMax,
		},
		Hashing:     hashing.Configuration{Algorithm: hashAlgorithm, Bits: 256},
		Compression: &compression.Configuration{Algorithm: o.Compression.algorithm(), Level: -1, WindowSize: -1, ChunkSize: -1, BlockSize: -1},
	}
	return c
}

// NewEncryption is how something new is encrypted with a passphrase: what a reader knows the passphrase by, and the key that
// derives from it.
func NewEncryption(passphrase []byte) (c *encryption.Configuration, key []byte, err error) {
	c = encryption.NewDefaultConfiguration()
	// A quarter of the default's memory and twice its passes: opening it must be possible on a small machine.
	c.KDFParams.Argon2idParams.Memory = 64 << 10
	c.KDFParams.Argon2idParams.Time = 8
	if key, err = encryption.DeriveKey(c.KDFParams, passphrase); err != nil {
		return nil, nil, fmt.Errorf("set up the encryption: %w", err)
	}
	if c.Canary, err = encryption.DeriveCanary(c, key); err != nil {
		return nil, nil, fmt.Errorf("set up the encryption: %w", err)
	}
	return c, key, nil
}

// writeEntries writes what fill adds, then the trees and the header of the snapshot, whose identifier it returns.
func writeEntries(
	ctx context.Context, blobs keyedBlobs, chunks chunking.Configuration, opts ArchiveOptions, fill func(*Archive) error,
) (objects.MAC, error) {
	descending := func(a, b string) int { return vfs.PathCmp(b, a) }
	backwards := func(a, b string) int { return strings.Compare(b, a) }
	a := &Archive{
		blobs: blobs, opts: opts, chunks: chunks,
		entries: sorted.New(opts.TempDir, descending), types: sorted.New(opts.TempDir, backwards),
		attributes: sorted.New(opts.TempDir, descending), failures: sorted.New(opts.TempDir, backwards),
	}
	defer func() {
		for _, pairs := range []*sorted.Pairs{a.entries, a.types, a.attributes, a.failures} {
			pairs.Close()
		}
	}()
	if err := fill(a); err != nil {
		return objects.MAC{}, err
	}
	if ctx.Err() != nil {
		return objects.MAC{}, context.Cause(ctx)
	}
	return a.complete(ctx)
}

// Record adds an entry or an extended attribute, as importers describe it, and returns how many bytes its content has. The
// record's reader is read to its end and not closed. A record of something that could not be read goes to Fail.
//
// An error of the content is one of the reader: nothing of the entry is in the archive then. After any other, nothing more can be
// written.
func (a *Archive) Record(ctx context.Context, r *connectors.Record) (size int64, err error) {
	regular := r.FileInfo.Mode().IsRegular()
	var c content
	var object objects.MAC
	contentType := "application/x-not-regular-file"
	if regular || r.IsXattr {
		if r.Reader == nil {
			return 0, &ContentError{errors.New("it has no content, not even an empty one")}
		}
		if c, object, err = a.content(ctx, r); err != nil {
			return 0, err
		}
		contentType = c.object.ContentType
	}
	if r.IsXattr {
		attribute := vfs.NewXattr(r, object, c.size)
		serialized, err := attribute.ToBytes()
		if err != nil {
			return 0, err
		}
		return c.size, a.keep(a.attributes, attribute.ToPath(), resources.RT_XATTR_ENTRY, serialized)
	}
	if regular {
		r.FileInfo.Lsize = c.size // what was read, whatever was said of it before
	}
	entry := vfs.NewEntry(path.Dir(r.Pathname), r)
	about := about{mode: r.FileInfo.Mode(), time: r.FileInfo.ModTime().Unix()}
	if !entry.IsDir() {
		entry.ContentType = contentType
		about.contentType, _, _ = strings.Cut(contentType, ";")
	}
	if regular {
		entry.Object, entry.Chunks = object, uint64(len(c.object.Chunks))
		about.size, about.chunks = uint64(c.size), uint32(entry.Chunks)
	}
	serialized, err := entry.ToBytes()
	if err != nil {
		return 0, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return c.size, a.entries.Add(r.Pathname, about.append(nil, serialized))
}

// Fail records that what is at a path could not be read, and why.
func (a *Archive) Fail(name, message string) error {
	serialized, err := vfs.NewErrorItem(name, message).ToBytes()
	if err != nil {
		return err
	}
	a.mu.Lock()
	a.failed++
	a.mu.Unlock()
	return a.keep(a.failures, name, resources.RT_ERROR_ENTRY, serialized)
}

// keep writes a blob, and remembers under which key an index has it.
func (a *Archive) keep(pairs *sorted.Pairs, key string, resource resources.Type, serialized []byte) error {
	mac, err := a.blobs.put(resource, serialized)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return pairs.Add(key, mac[:])
}

// ContentError is that of a content that could not be read.
type ContentError struct{ error }

func (e *ContentError) Unwrap() error { return e.error }

// content writes the content of a record and the list of its chunks.
func (a *Archive) content(ctx context.Context, r *connectors.Record) (c content, object objects.MAC, err error) {
	chunker, _ := a.cut.Get().(*chunkers.Chunker)
	if chunker == nil {
		chunker, err = chunkers.NewChunker(strings.ToLower(a.chunks.Algorithm), nil, &chunkers.ChunkerOpts{
			MinSize: int(a.chunks.MinSize), NormalSize: int(a.chunks.NormalSize), MaxSize: int(a.chunks.MaxSize),
		})
		if err != nil {
			return c, object, err
		}
	}
	defer a.cut.Put(chunker)
	chunker.Reset(contextReader{ctx, r.Reader})
	c.object = objects.NewObject()
	all := a.blobs.key.Hasher()
	defer a.blobs.key.Put(all)
	add := func(data []byte) error {
		if c.object.ContentType == "" && len(data) > 0 {
			c.object.ContentType = mimetype.Detect(data[:min(len(data), headLength)]).String()
		}
		all.Write(data)
		mac, err := a.blobs.put(resources.RT_CHUNK, data)
		if err != nil {
			return err
		}
		chunk := objects.NewChunk()
		chunk.ContentMAC, chunk.Length = mac, uint32(len(data))
		c.object.Chunks = append(c.object.Chunks, *chunk)
		c.size += int64(len(data))
		return nil
	}
	for {
		data, err := chunker.Next()
		if err != nil && !errors.Is(err, io.EOF) {
			return c, object, &ContentError{err}
		}
		if len(data) > 0 || err != nil && len(c.object.Chunks) == 0 { // an empty file has an empty chunk
			if err := add(data); err != nil {
				return c, object, err
			}
		}
		if err != nil {
			break
		}
	}
	if c.object.ContentType == "" {
		c.object.ContentType = mime.TypeByExtension(path.Ext(r.Pathname))
	}
	if c.object.ContentType == "" {
		c.object.ContentType = "application/octet-stream"
	}
	c.object.ContentMAC = objects.MAC(all.Sum(nil))
	serialized, err := c.object.Serialize()
	if err != nil {
		return c, object, err
	}
	object, err = a.blobs.put(resources.RT_OBJECT, serialized)
	return c, object, err
}

// complete writes the trees and the header, and returns the identifier.
func (a *Archive) complete(ctx context.Context) (objects.MAC, error) {
	source := header.NewSource()
	source.Importer = a.opts.Source
	if err := a.writeTree(ctx, &source); err != nil {
		return objects.MAC{}, fmt.Errorf("write the file tree: %w", err)
	}
	var err error
	source.VFS.Xattrs, err = a.writePairs(ctx, a.attributes, resources.RT_XATTR_BTREE, resources.RT_XATTR_NODE, vfs.PathCmp)
	if err != nil {
		return objects.MAC{}, err
	}
	source.VFS.Errors, err = a.writePairs(ctx, a.failures, resources.RT_ERROR_BTREE, resources.RT_ERROR_NODE, strings.Compare)
	if err != nil {
		return objects.MAC{}, err
	}
	types, err := a.writePairs(ctx, a.types, resources.RT_BTREE_ROOT, resources.RT_BTREE_NODE, strings.Compare)
	if err != nil {
		return objects.MAC{}, err
	}
	source.Indexes = append(source.Indexes, header.Index{Name: "content-type", Type: "btree", Value: types})

	identifier := objects.MAC{}
	if _, err := rand.Read(identifier[:]); err != nil {
		return objects.MAC{}, err
	}
	if a.opts.Reproducible {
		identifier = a.blobs.key.Sum(append([]byte("snapshot"), source.VFS.Root[:]...))
	}
	head := header.NewHeader(a.opts.Name, identifier)
	head.Timestamp = a.opts.Time
	head.Context = a.opts.Context
	head.Sources = []header.Source{source}
	serialized, err := head.Serialize()
	if err != nil {
		return objects.MAC{}, fmt.Errorf("write the snapshot's header: %w", err)
	}
	return head.Identifier, a.blobs.Put(resources.RT_SNAPSHOT, head.Identifier, serialized)
}

// writePairs writes an index of pairs that come with the last key first.
func (a *Archive) writePairs(
	ctx context.Context, pairs *sorted.Pairs, root, node resources.Type, compare func(a, b string) int,
) (objects.MAC, error) {
	index := newBackwardIndex(a.blobs, root, node, compare)
	for pair, err := range pairs.All() {
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err == nil {
			err = index.add(pair.Key, objects.MAC(pair.Value))
		}
		if err != nil {
			return objects.MAC{}, err
		}
	}
	return index.finish()
}
