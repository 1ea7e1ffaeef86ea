package ptarread

import (
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
		// An empty file has one empty chunk.
		if c.Length == 0 && len(object.Chunks) > 1 || c.Length > MaxBlob {
			return nil, p.malformed(id, fmt.Errorf("has a chunk of %d bytes", c.Length))
		}
	}
	return object, nil
}

// loadObject reads an object while the package is opened, and finds its chunks.
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
		if _, err := p.find(blobID{resources.RT_CHUNK, c.ContentMAC}); err != nil {
			return nil, err
		}
	}
	return object, nil
}
