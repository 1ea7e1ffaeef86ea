package ptarbuild

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/PlakarKorp/kloset/objects"
	klosetpack "github.com/PlakarKorp/kloset/packfile"
	"github.com/PlakarKorp/kloset/resources"
)

// packfile writes the one packfile of a package: the blobs, their index, a footer. Blobs are encoded on all processors, ahead of the
// one that is written, and written in the order in which they were put.
type packfile struct {
	body   io.Writer
	encode encoder
	seal   sealer

	mu     sync.Mutex // guards what follows
	known  map[blobKey]struct{}
	failed error // of a write, after which nothing is written

	pending chan pendingBlob
	// stop ends the writing once all that was put is written.
	stop func()
	// What follows is the writer's until stop returns.
	index  blobIndex
	count  uint32
	offset uint64
}

// encoder appends the stored form of data to out.
type encoder func(out *bytes.Buffer, data []byte) error

// blobIndex keeps where each blob is.
type blobIndex interface {
	add(klosetpack.Blob) error
	// records are the blobs as the index of a packfile has them, in the order in which they were added.
	records() (io.Reader, error)
	// write writes the index as it is stored.
	write(w io.Writer) error
}

// blobKey is a blob's type and what of its MAC no two blobs share.
type blobKey struct {
	resource uint8
	mac      [15]byte
}

type pendingBlob struct {
	resource resources.Type
	mac      objects.MAC
	encoded  chan encodedBlob
}

type encodedBlob struct {
	data *bytes.Buffer // of buffers
	err  error
}

// buffers are lent for blobs and their encodings: most are as long as chunks, and made anew they would take more time than copying.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func lendBuffer() *bytes.Buffer {
	b := buffers.Get().(*bytes.Buffer)
	b.Reset()
	return b
}

// newPackfile begins one, which stop must be called of.
func newPackfile(body io.Writer, encode encoder, index blobIndex, seal sealer) *packfile {
	p := &packfile{
		body: body, encode: encode, index: index, seal: seal, known: map[blobKey]struct{}{},
		// Each is a chunk in memory, and its encoding.
		pending: make(chan pendingBlob, min(2*runtime.GOMAXPROCS(0), 16)),
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		p.writeAll()
	}()
	p.stop = sync.OnceFunc(func() {
		close(p.pending)
		<-written
	})
	return p
}

// put adds a blob under its MAC, once however often it is put. It may be called concurrently.
func (p *packfile) put(resource resources.Type, data []byte) (objects.MAC, error) {
	mac := p.seal.Sum(data)
	return mac, p.Put(resource, mac, data)
}

// Put is put for a blob whose MAC is known, and for the snapshot's header, the only one whose name is not its MAC.
func (p *packfile) Put(resource resources.Type, mac objects.MAC, data []byte) error {
	key := blobKey{resource: uint8(resource)}
	copy(key.mac[:], mac[:])
	p.mu.Lock()
	_, known := p.known[key]
	p.known[key] = struct{}{}
	err := p.failed
	p.mu.Unlock()
	if known || err != nil {
		return err
	}
	blob := pendingBlob{resource, mac, make(chan encodedBlob, 1)}
	p.pending <- blob
	plain := lendBuffer()
	plain.Write(data)
	go func() {
		defer buffers.Put(plain)
		out := lendBuffer()
		err := p.encode(out, plain.Bytes())
		blob.encoded <- encodedBlob{out, err}
	}()
	return nil
}

// writeAll writes the blobs as they come. After an error it only takes them, so that nobody waits.
func (p *packfile) writeAll() {
	for blob := range p.pending {
		encoded := <-blob.encoded
		if p.failure() == nil {
			if err := p.write(blob, encoded); err != nil {
				p.mu.Lock()
				p.failed = err
				p.mu.Unlock()
			}
		}
		buffers.Put(encoded.data)
	}
}

func (p *packfile) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

func (p *packfile) write(blob pendingBlob, encoded encodedBlob) error {
	if encoded.err != nil {
		return encoded.err
	}
	length := encoded.data.Len()
	if _, err := p.body.Write(encoded.data.Bytes()); err != nil {
		return err
	}
	err := p.index.add(klosetpack.Blob{
		Type:    blob.resource,
		Version: formatVersion,
		MAC:     blob.mac,
		Offset:  p.offset,
		Length:  uint32(length),
	})
	p.count++
	p.offset += uint64(length)
	return err
}

// finish writes what follows the blobs. kloset's own packfile writers stamp the clock, so the layout is written here with
// kloset's record types: index, footer and the footer's encoded length, little-endian without padding.
func (p *packfile) finish(at time.Time) error {
	p.stop()
	if p.failed != nil {
		return p.failed
	}
	records, err := p.index.records()
	if err != nil {
		return err
	}
	mac := p.seal.Hasher()
	defer p.seal.Put(mac)
	if _, err := io.Copy(mac, records); err != nil {
		return fmt.Errorf("write the index of the packfile: %w", err)
	}
	// PackfileInMemoryFooter without its Version, which is not part of the encoded form.
	footer := struct {
		Timestamp   int64
		Count       uint32
		IndexOffset uint64
		IndexMAC    objects.MAC
		Flags       uint32
	}{Timestamp: at.UnixNano(), Count: p.count, IndexOffset: p.offset, IndexMAC: objects.MAC(mac.Sum(nil))}
	var rawFooter bytes.Buffer
	if err := binary.Write(&rawFooter, binary.LittleEndian, footer); err != nil {
		return fmt.Errorf("write the footer of the packfile: %w", err)
	}

	var encodedFooter bytes.Buffer
	if err := p.encode(&encodedFooter, rawFooter.Bytes()); err != nil {
		return err
	}
	if err := p.index.write(p.body); err != nil {
		return fmt.Errorf("write the index of the packfile: %w", err)
	}
	if _, err := p.body.Write(encodedFooter.Bytes()); err != nil {
		return err
	}
	return binary.Write(p.body, binary.LittleEndian, uint32(encodedFooter.Len()))
}

// heldIndex is an index in memory.
type heldIndex struct {
	blobs  []klosetpack.Blob
	encode encoder
}

func (x *heldIndex) add(blob klosetpack.Blob) error {
	x.blobs = append(x.blobs, blob)
	return nil
}

func (x *heldIndex) all() ([]byte, error) {
	var out bytes.Buffer
	for _, blob := range x.blobs {
		if err := binary.Write(&out, binary.LittleEndian, blob); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

func (x *heldIndex) records() (io.Reader, error) {
	data, err := x.all()
	return bytes.NewReader(data), err
}

func (x *heldIndex) write(w io.Writer) error {
	data, err := x.all()
	if err != nil {
		return err
	}
	var encoded bytes.Buffer
	if err := x.encode(&encoded, data); err != nil {
		return err
	}
	_, err = w.Write(encoded.Bytes())
	return err
}
