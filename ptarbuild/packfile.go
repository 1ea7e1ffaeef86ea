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

// packfile writes the one packfile of a package: the blobs, their index, a footer. Blobs are compressed ahead on all
// processors and written in the order they were put.
type packfile struct {
	body   io.Writer
	encode func(data []byte) ([]byte, error)
	seal   sealer
	ahead  int

	mu      sync.Mutex
	index   blobIndex
	count   uint32
	offset  uint64
	known   map[blobKey]struct{}
	pending []pendingBlob
	failed  error // of a write, after which nothing is written
}

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
	data []byte
	err  error
}

func newPackfile(body io.Writer, encode func([]byte) ([]byte, error), index blobIndex, seal sealer) *packfile {
	return &packfile{
		body: body, encode: encode, index: index, seal: seal, known: map[blobKey]struct{}{},
		// Each is a chunk in memory, and its encoding.
		ahead: min(2*runtime.GOMAXPROCS(0), 16),
	}
}

// put adds a blob under its MAC, once however often it is put, and keeps data. It may be called concurrently.
func (p *packfile) put(resource resources.Type, data []byte) (objects.MAC, error) {
	mac := p.seal.Sum(data)
	return mac, p.Put(resource, mac, data)
}

// Put is put for a blob whose MAC is known, and for the snapshot's header, the only one whose name is not its MAC.
func (p *packfile) Put(resource resources.Type, mac objects.MAC, data []byte) error {
	key := blobKey{resource: uint8(resource)}
	copy(key.mac[:], mac[:])
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed != nil {
		return p.failed
	}
	if _, known := p.known[key]; known {
		return nil
	}
	p.known[key] = struct{}{}
	blob := pendingBlob{resource, mac, make(chan encodedBlob, 1)}
	go func() {
		encoded, err := p.encode(data)
		blob.encoded <- encodedBlob{encoded, err}
	}()
	p.pending = append(p.pending, blob)
	if len(p.pending) > p.ahead {
		p.failed = p.writeOldest()
	}
	return p.failed
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
	err := p.index.add(klosetpack.Blob{
		Type:    blob.resource,
		Version: formatVersion,
		MAC:     blob.mac,
		Offset:  p.offset,
		Length:  uint32(len(encoded.data)),
	})
	p.count++
	p.offset += uint64(len(encoded.data))
	return err
}

// finish writes what follows the blobs. kloset's own packfile writers stamp the clock, so the layout is written here with
// kloset's record types: index, footer and the footer's encoded length, little-endian without padding.
func (p *packfile) finish(at time.Time) error {
	for len(p.pending) > 0 {
		if err := p.writeOldest(); err != nil {
			return err
		}
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

	encodedFooter, err := p.encode(rawFooter.Bytes())
	if err != nil {
		return err
	}
	if err := p.index.write(p.body); err != nil {
		return fmt.Errorf("write the index of the packfile: %w", err)
	}
	if _, err := p.body.Write(encodedFooter); err != nil {
		return err
	}
	return binary.Write(p.body, binary.LittleEndian, uint32(len(encodedFooter)))
}

// heldIndex is an index in memory.
type heldIndex struct {
	blobs  []klosetpack.Blob
	encode func([]byte) ([]byte, error)
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
	encoded, err := x.encode(data)
	if err != nil {
		return err
	}
	_, err = w.Write(encoded)
	return err
}
