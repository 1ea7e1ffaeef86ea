package ptarread

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sort"
	"sync"

	"github.com/PlakarKorp/kloset/objects"
)

// OpenEntry returns the content of a regular file. Every chunk is checked against its MAC when it is read; the reader
// may be used concurrently through ReadAt and needs no closing.
func (p *Package) OpenEntry(path string) (*io.SectionReader, error) {
	entry, ok := p.Entry(path)
	if !ok {
		return nil, fmt.Errorf("open %s: not in the package", path)
	}
	if !entry.Mode.IsRegular() {
		return nil, fmt.Errorf("open %s: not a regular file", path)
	}
	object, err := p.readObject(entry.object)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return p.content(object), nil
}

// Content reads an object from its beginning to its end, as an entry or an attribute names it. Every chunk is compared
// with its MAC.
func (s *Snapshot) Content(ctx context.Context, object objects.MAC) (io.Reader, error) {
	chunks, err := s.archive.readObject(object)
	if err != nil {
		return nil, err
	}
	return s.archive.reader(ctx, chunks), nil
}

// OpenContent is Content for those who read from anywhere. The reader may be used concurrently through ReadAt, keeps some
// chunks in memory and needs no closing.
func (s *Snapshot) OpenContent(object objects.MAC) (*io.SectionReader, error) {
	chunks, err := s.archive.readObject(object)
	if err != nil {
		return nil, err
	}
	return s.archive.content(chunks), nil
}

// ContentMAC is the keyed hash of all that an object holds, and how many bytes that is. The key is the archive's.
func (s *Snapshot) ContentMAC(object objects.MAC) (mac objects.MAC, size int64, err error) {
	chunks, err := s.archive.readObject(object)
	if err != nil {
		return mac, 0, err
	}
	return chunks.ContentMAC, chunks.Size(), nil
}

func (s *store) content(object *objects.Object) *io.SectionReader {
	c := &content{s: s, chunks: object.Chunks, ends: make([]int64, len(object.Chunks))}
	var end int64
	for i, chunk := range object.Chunks {
		end += int64(chunk.Length)
		c.ends[i] = end
	}
	return io.NewSectionReader(c, 0, end)
}

// cachedChunks is how many decoded chunks a content keeps: enough to read an executable's tables, which lie in a few
// places, without decoding a chunk for each of them.
const cachedChunks = 4

// content is the bytes of an object as an io.ReaderAt.
type content struct {
	s      *store
	chunks []objects.Chunk
	// ends holds the offset in the content at which each chunk ends.
	ends []int64

	mu sync.Mutex
	// cache holds the chunks used last, the last one first.
	cache []cachedChunk
}

type cachedChunk struct {
	index int
	data  []byte
}

// ReadAt reads from any offset within the content.
func (c *content) ReadAt(dst []byte, offset int64) (int, error) {
	if offset < 0 {
		return 0, fmt.Errorf("read at negative offset %d", offset)
	}
	n := 0
	for i := sort.Search(len(c.ends), func(i int) bool { return offset < c.ends[i] }); n < len(dst); i++ {
		if i == len(c.chunks) {
			return n, io.EOF
		}
		data, err := c.chunk(i)
		if err != nil {
			return n, err
		}
		start := c.ends[i] - int64(len(data))
		n += copy(dst[n:], data[offset+int64(n)-start:])
	}
	return n, nil
}

func (c *content) chunk(i int) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := slices.IndexFunc(c.cache, func(cached cachedChunk) bool { return cached.index == i })
	if at < 0 {
		_, data, err := c.s.readChunk(c.chunks[i], nil, nil)
		if err != nil {
			return nil, err
		}
		c.cache = slices.Insert(c.cache, 0, cachedChunk{i, data})
		c.cache = c.cache[:min(len(c.cache), cachedChunks)]
		return data, nil
	}
	hit := c.cache[at]
	c.cache = slices.Insert(slices.Delete(c.cache, at, at+1), 0, hit)
	return hit.data, nil
}
