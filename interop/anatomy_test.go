package interop

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"testing"

	"github.com/PlakarKorp/kloset/caching"
	"github.com/PlakarKorp/kloset/caching/pebble"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/kcontext"
	"github.com/PlakarKorp/kloset/logging"
	"github.com/PlakarKorp/kloset/repository"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot"

	_ "github.com/PlakarKorp/integrations/ptar/storage"
)

// Sizes of the parts of a package that have one, in bytes.
const (
	trailerSize      = 6 * 8 // offset and length of the three regions
	regionHeaderSize = 16
	macSize          = 32
	footerLengthSize = 4
)

// span is a part of a package.
type span struct{ offset, length int64 }

func (s span) middle() int64 { return s.offset + s.length/2 }
func (s span) end() int64    { return s.offset + s.length }

// anatomy says where the parts of a package lie.
type anatomy struct {
	config, packfile, state span
	index, footer, trailer  span
	chunks                  map[string]span // the first chunk of a file, by path
}

// dissect finds the parts of a sound package, with the client's own reader where the format needs one.
func dissect(t *testing.T, file string, data []byte, names ...string) anatomy {
	t.Helper()
	var a anatomy
	a.trailer = span{int64(len(data)) - trailerSize, trailerSize}
	for i, region := range []*span{&a.config, &a.packfile, &a.state} {
		at := data[a.trailer.offset+int64(i)*16:]
		*region = span{int64(binary.LittleEndian.Uint64(at)), int64(binary.LittleEndian.Uint64(at[8:]))}
	}
	footerEnd := a.packfile.end() - macSize - footerLengthSize
	length := int64(binary.LittleEndian.Uint32(data[footerEnd:]))
	a.footer = span{footerEnd - length, length}

	chunks, indexOffset, err := findChunks(t.Context(), t.TempDir(), file, names)
	if err != nil {
		t.Fatalf("dissect %s: %v", file, err)
	}
	base := a.packfile.offset + regionHeaderSize
	a.index = span{base + indexOffset, a.footer.offset - base - indexOffset}
	a.chunks = make(map[string]span)
	for name, chunk := range chunks {
		a.chunks[name] = span{base + chunk.offset, chunk.length}
	}
	return a
}

// findChunks opens a package as the client does, and returns the first chunk of each named file and the end of the
// blobs, relative to the first blob.
func findChunks(ctx context.Context, cache, file string, names []string) (map[string]span, int64, error) {
	kctx := kcontext.NewKContext()
	defer kctx.Close()
	kctx.CacheDir = cache
	kctx.MaxConcurrency = 1
	kctx.SetLogger(logging.NewLogger(io.Discard, io.Discard))
	kctx.SetCache(caching.NewManager(pebble.Constructor(cache)))
	defer kctx.GetCache().Close()

	store, config, err := storage.Open(kctx, map[string]string{"location": "ptar://" + file})
	if err != nil {
		return nil, 0, err
	}
	defer store.Close(ctx)
	repo, err := repository.New(kctx, nil, store, config)
	if err != nil {
		return nil, 0, err
	}
	defer repo.Close()
	packfiles, err := repo.GetPackfiles()
	if err != nil || len(packfiles) != 1 {
		return nil, 0, fmt.Errorf("packfiles: %d, %w", len(packfiles), err)
	}
	packfile, err := repo.GetPackfile(packfiles[0])
	if err != nil {
		return nil, 0, err
	}

	chunks := make(map[string]span)
	for id, err := range repo.ListSnapshots() {
		if err != nil {
			return nil, 0, err
		}
		snap, err := snapshot.Load(repo, id)
		if err != nil {
			return nil, 0, err
		}
		files, err := snap.Filesystem()
		if err != nil {
			return nil, 0, err
		}
		for _, name := range names {
			entry, err := files.GetEntry(name)
			if err != nil {
				return nil, 0, fmt.Errorf("%s: %w", name, err)
			}
			object, err := snap.LookupObject(entry.Object)
			if err != nil {
				return nil, 0, fmt.Errorf("%s: %w", name, err)
			}
			for _, blob := range packfile.Index {
				if blob.Type == resources.RT_CHUNK && blob.MAC == object.Chunks[0].ContentMAC {
					chunks[name] = span{int64(blob.Offset), int64(blob.Length)}
				}
			}
		}
	}
	return chunks, int64(packfile.Footer.IndexOffset), nil
}
