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
	l, err := p.readList(context.Background(), entry.object)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return p.content(context.Background(), l), nil
}

// Content reads an object from its beginning to its end, as an entry or an attribute names it. Every chunk is compared
// with its MAC.
func (s *Snapshot) Content(ctx context.Context, object objects.MAC) (io.Reader, error) {
	l, err := s.archive.readList(ctx, object)
	if err != nil {
		return nil, err
	}
	return s.archive.reader(ctx, l)
}

// OpenContent is Content for those who read from anywhere, until ctx ends. The reader may be used concurrently through ReadAt, keeps
// some chunks in memory and needs no closing. Of a file of more than some 90 GB, going back takes reading its list of chunks
// up to there again, a second for each terabyte.
func (s *Snapshot) OpenContent(ctx context.Context, object objects.MAC) (*io.SectionReader, error) {
	l, err := s.archive.readList(ctx, object)
	if err != nil {
		return nil, err
	}
	return s.archive.content(ctx, l), nil
}

// ContentMAC is the keyed hash of all that an object holds, and how many bytes that is. The key is the archive's.
func (s *Snapshot) ContentMAC(ctx context.Context, object objects.MAC) (mac objects.MAC, size int64, err error) {
	l, err := s.archive.readList(ctx, object)
	if err != nil {
		return mac, 0, err
	}
	return l.mac, l.size, nil
}

func (s *store) content(ctx context.Context, l *list) *io.SectionReader {
	c := &content{ctx: ctx, s: s, list: l}
	if l.long == nil {
		c.ends = make([]int64, len(l.parts))
		var end int64
		for i, p := range l.parts {
			end += int64(p.length)
			c.ends[i] = end
		}
	}
	return io.NewSectionReader(c, 0, l.size)
}

// cachedChunks is how many decoded chunks a content keeps: enough to read an executable's tables, which lie in a few
// places, without decoding a chunk for each of them.
const cachedChunks = 4

// content is the bytes of an object as an io.ReaderAt.
type content struct {
	ctx  context.Context
	s    *store
	list *list
	// ends holds the offset in the content at which each chunk ends, of a list in memory.
	ends []int64

	mu sync.Mutex
	// at is the place in a list that is not in memory.
	at cursor
	// cache holds the chunks used last, the last one first.
	cache []cachedChunk
}

type cachedChunk struct {
	end  int64
	data []byte
}

// cursor is a part of a long list, and where it ends in the content.
type cursor struct {
	parts parts
	part  part
	end   int64
}

// ReadAt reads from any offset within the content.
func (c *content) ReadAt(dst []byte, offset int64) (int, error) {
	if offset < 0 {
		return 0, fmt.Errorf("read at negative offset %d", offset)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for n < len(dst) {
		p, end, err := c.locate(offset + int64(n))
		if err != nil {
			return n, err
		}
		data, err := c.chunk(p, end)
		if err != nil {
			return n, err
		}
		start := end - int64(len(data))
		n += copy(dst[n:], data[offset+int64(n)-start:])
	}
	return n, nil
}

// locate finds the chunk at an offset, and where it ends; io.EOF behind the last one.
func (c *content) locate(offset int64) (part, int64, error) {
	if offset >= c.list.size {
		return part{}, 0, io.EOF
	}
	if c.list.long == nil {
		i := sort.Search(len(c.ends), func(i int) bool { return offset < c.ends[i] })
		return c.list.parts[i], c.ends[i], nil
	}
	if c.at.parts == nil || offset < c.at.end-int64(c.at.part.length) {
		in, err := c.s.open(c.ctx, c.list)
		if err != nil {
			return part{}, 0, err
		}
		c.at = cursor{parts: in}
	}
	for c.at.end <= offset {
		p, err := c.at.parts.next()
		if err != nil {
			c.at = cursor{}
			return part{}, 0, err
		}
		c.at.part = p
		c.at.end += int64(p.length)
	}
	return c.at.part, c.at.end, nil
}

func (c *content) chunk(p part, end int64) ([]byte, error) {
	at := slices.IndexFunc(c.cache, func(cached cachedChunk) bool { return cached.end == end })
	if at < 0 {
		_, data, err := c.s.readChunk(p, nil, nil)
		if err != nil {
			return nil, err
		}
		c.cache = slices.Insert(c.cache, 0, cachedChunk{end, data})
		c.cache = c.cache[:min(len(c.cache), cachedChunks)]
		return data, nil
	}
	hit := c.cache[at]
	c.cache = slices.Insert(slices.Delete(c.cache, at, at+1), 0, hit)
	return hit.data, nil
}
