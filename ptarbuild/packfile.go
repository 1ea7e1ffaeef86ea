package ptarbuild

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/PlakarKorp/kloset/objects"
	klosetpack "github.com/PlakarKorp/kloset/packfile"
	"github.com/PlakarKorp/kloset/resources"
)

// packfile writes the one packfile of a package: the blobs, their index, a footer. Blobs are compressed ahead on all
// processors and written in the order they were put.
type packfile struct {
	body    io.Writer
	opts    Options
	seal    sealer
	index   []klosetpack.Blob
	offset  uint64
	known   map[blobKey]bool
	pending []pendingBlob
	ahead   int
}

type blobKey struct {
	resource resources.Type
	mac      objects.MAC
}

type pendingBlob struct {
	blobKey
	encoded chan encodedBlob
}

type encodedBlob struct {
	data []byte
	err  error
}

func newPackfile(body io.Writer, opts Options, seal sealer) *packfile {
	return &packfile{body: body, opts: opts, seal: seal, known: map[blobKey]bool{}, ahead: 2 * runtime.GOMAXPROCS(0)}
}

// put adds a blob under its MAC, once however often it is put, and keeps data.
func (p *packfile) put(resource resources.Type, data []byte) (objects.MAC, error) {
	mac := p.seal.Sum(data)
	return mac, p.putAs(resource, mac, data)
}

// putAs is put for the snapshot's header, the only blob whose name is not its MAC.
func (p *packfile) putAs(resource resources.Type, mac objects.MAC, data []byte) error {
	key := blobKey{resource, mac}
	if p.known[key] {
		return nil
	}
	p.known[key] = true
	blob := pendingBlob{key, make(chan encodedBlob, 1)}
	go func() {
		encoded, err := p.opts.Compression.encode(data)
		blob.encoded <- encodedBlob{encoded, err}
	}()
	p.pending = append(p.pending, blob)
	if len(p.pending) > p.ahead {
		return p.writeOldest()
	}
	return nil
}

func (p *packfile) writeOldest() error {
	blob := p.pending[0]
	p.pending = p.pending[1:]
	encoded := <-blob.encoded
	if encoded.err != nil {
		return encoded.err
	}
	if _, err := p.body.Write(encoded.data); err != nil {
		return err
	}
	p.index = append(p.index, klosetpack.Blob{
		Type:    blob.resource,
		Version: formatVersion,
		MAC:     blob.mac,
		Offset:  p.offset,
		Length:  uint32(len(encoded.data)),
	})
	p.offset += uint64(len(encoded.data))
	return nil
}

// finish writes what follows the blobs. kloset's own packfile writers stamp the clock, so the layout is written here with
// kloset's record types: index, footer and the footer's encoded length, little-endian without padding.
func (p *packfile) finish(at time.Time) error {
	for len(p.pending) > 0 {
		if err := p.writeOldest(); err != nil {
			return err
		}
	}
	var index bytes.Buffer
	for _, blob := range p.index {
		if err := binary.Write(&index, binary.LittleEndian, blob); err != nil {
			return fmt.Errorf("write the index of the packfile: %w", err)
		}
	}
	// PackfileInMemoryFooter without its Version, which is not part of the encoded form.
	footer := struct {
		Timestamp   int64
		Count       uint32
		IndexOffset uint64
		IndexMAC    objects.MAC
		Flags       uint32
	}{Timestamp: at.UnixNano(), Count: uint32(len(p.index)), IndexOffset: p.offset, IndexMAC: p.seal.Sum(index.Bytes())}
	var rawFooter bytes.Buffer
	if err := binary.Write(&rawFooter, binary.LittleEndian, footer); err != nil {
		return fmt.Errorf("write the footer of the packfile: %w", err)
	}

	encodedIndex, err := p.opts.Compression.encode(index.Bytes())
	if err != nil {
		return err
	}
	encodedFooter, err := p.opts.Compression.encode(rawFooter.Bytes())
	if err != nil {
		return err
	}
	if _, err := p.body.Write(encodedIndex); err != nil {
		return err
	}
	if _, err := p.body.Write(encodedFooter); err != nil {
		return err
	}
	return binary.Write(p.body, binary.LittleEndian, uint32(len(encodedFooter)))
}
