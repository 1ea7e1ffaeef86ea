package sdk

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/PlakarKorp/kpkg/sdk/internal/rpc"
	"github.com/PlakarKorp/kpkg/sdk/internal/wire"
)

const (
	// chunkSize is how much of a file is read and sent at once. Hosts keep entire chunks in memory, several per worker.
	chunkSize = 256 << 10

	// chunkPrefix is left in front of a chunk for what precedes it in its message.
	chunkPrefix = 5 + wire.ChunkPrefix

	// emptyReads is how often a reader may return nothing in a row.
	emptyReads = 100
)

// chunks are buffers for a chunk. Short files touch little of theirs, and only touched memory is real.
var chunks = sync.Pool{New: func() any { return new([chunkPrefix + chunkSize]byte) }}

// sendChunks sends all of r as the chunks of an OpenResponse or GetResponse. Each but the last is whole: a chunk costs the host as much
// as some kilobytes of content do, and what reads from a network often has less than those at a time.
func sendChunks(call *rpc.Call, r io.Reader) error {
	buf := chunks.Get().(*[chunkPrefix + chunkSize]byte)
	defer chunks.Put(buf)
	var prefix [chunkPrefix]byte
	for {
		n, err := readChunk(call.Context(), r, buf[chunkPrefix:])
		if n > 0 {
			header := wire.AppendChunkHeader(rpc.Begin(prefix[:]), n)
			message := buf[chunkPrefix-len(header) : chunkPrefix+n]
			copy(message, header)
			if err := call.Send(message); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF: // one that wraps it is of something that broke off
			return nil
		case err != nil:
			return err
		}
	}
}

// readChunk fills chunk until r or ctx ends. With an error, io.EOF among them, it may have read some.
func readChunk(ctx context.Context, r io.Reader, chunk []byte) (total int, err error) {
	for empty := 0; total < len(chunk) && err == nil; {
		if ctx.Err() != nil {
			return total, context.Cause(ctx)
		}
		var n int
		n, err = r.Read(chunk[total:])
		switch {
		case n < 0 || n > len(chunk)-total:
			return total, fmt.Errorf("the reader claims to have read %d bytes into %d", n, len(chunk)-total)
		case n > 0:
			empty = 0
		case err == nil:
			if empty++; empty == emptyReads {
				err = io.ErrNoProgress
			}
		}
		total += n
	}
	return total, err
}
