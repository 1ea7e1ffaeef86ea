package sdk

import (
	"context"
	"errors"
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

// sendChunks sends all of r as the chunks of an OpenResponse or GetResponse.
func sendChunks(call *rpc.Call, r io.Reader) error {
	buf := chunks.Get().(*[chunkPrefix + chunkSize]byte)
	defer chunks.Put(buf)
	var prefix [chunkPrefix]byte
	for empty := 0; ; {
		if call.Context().Err() != nil {
			return context.Cause(call.Context())
		}
		n, err := r.Read(buf[chunkPrefix:])
		switch {
		case n < 0 || n > chunkSize:
			return fmt.Errorf("the reader claims to have read %d bytes into %d", n, chunkSize)
		case n > 0:
			empty = 0
			header := wire.AppendChunkHeader(rpc.Begin(prefix[:]), n)
			message := buf[chunkPrefix-len(header) : chunkPrefix+n]
			copy(message, header)
			if err := call.Send(message); err != nil {
				return err
			}
		default:
			empty++
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case empty == emptyReads:
			return io.ErrNoProgress
		}
	}
}
