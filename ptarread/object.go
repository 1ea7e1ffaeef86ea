package ptarread

import (
	"errors"
	"fmt"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
)

// readObject reads the list of chunks of a file of an open package, without the chunks.
func (p *Package) readObject(mac objects.MAC) (*objects.Object, error) {
	b, err := p.index.find(blobID{resources.RT_OBJECT, mac})
	if err != nil {
		return nil, err
	}
	data, err := p.readBlob(b)
	if err != nil {
		return nil, err
	}
	return p.decodeObject(mac, data)
}

func (p *Package) decodeObject(mac objects.MAC, data []byte) (*objects.Object, error) {
	id := blobID{resources.RT_OBJECT, mac}
	if err := checkShape(data, maxChunks); err != nil {
		return nil, p.malformed(id, err)
	}
	object, err := objects.NewObjectFromBytes(data)
	if err != nil {
		return nil, p.malformed(id, err)
	}
	for _, c := range object.Chunks {
		if c.Length > MaxBlob {
			return nil, problemf(TooLarge, regionBlobs, nowhere, "%v has a chunk of %d bytes; at most %d are allowed",
				id, c.Length, MaxBlob)
		}
		// An empty file has one empty chunk.
		if c.Length == 0 && len(object.Chunks) > 1 {
			return nil, p.malformed(id, errors.New("has an empty chunk among others"))
		}
	}
	return object, nil
}

// loadObject reads an object while the package is opened, finds its chunks and notes how long they are to be.
func (p *Package) loadObject(mac objects.MAC) (*objects.Object, error) {
	data, err := p.readMetadata(resources.RT_OBJECT, mac)
	if err != nil {
		return nil, err
	}
	object, err := p.decodeObject(mac, data)
	if err != nil {
		return nil, err
	}
	for _, c := range object.Chunks {
		id := blobID{resources.RT_CHUNK, c.ContentMAC}
		i, ok := p.index.at[id]
		if ok && p.used[i] && p.lengths[i] != c.Length {
			return nil, p.malformed(id, fmt.Errorf("is %d bytes long for one file and %d for another", p.lengths[i], c.Length))
		}
		if _, err := p.find(id); err != nil {
			return nil, err
		}
		p.lengths[i] = c.Length
	}
	return object, nil
}

// compareLength checks that a chunk decodes to what the objects that list it say. They are what the limits on a
// package's content go by.
func (p *Package) compareLength(b blob, length int) error {
	i := p.index.at[b.id]
	if b.id.typ != resources.RT_CHUNK || !p.used[i] || length == int(p.lengths[i]) {
		return nil
	}
	return p.malformed(b.id, fmt.Errorf("is %d bytes long where %d are expected", length, p.lengths[i]))
}
