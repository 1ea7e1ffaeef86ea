package ptarread

import (
	"context"
	"errors"
	"io"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"
)

// list is what an object says of a content: its MAC, how long it is, and the chunks that it is made of. Those of a file of many
// gigabytes are not kept in memory: they are read from the archive again whenever they are needed.
type list struct {
	mac   objects.MAC
	size  int64
	parts []part
	// long is where the list is if it is not in parts, and bytes how long it is.
	long  *blob
	bytes int64
}

// part is a chunk of a content.
type part struct {
	mac    objects.MAC
	length uint32
}

// parts are the chunks of a content as they come.
type parts interface {
	// next is io.EOF behind the last one.
	next() (part, error)
}

// inMemory are parts of a list that is short.
type inMemory struct{ left []part }

func (m *inMemory) next() (part, error) {
	if len(m.left) == 0 {
		return part{}, io.EOF
	}
	p := m.left[0]
	m.left = m.left[1:]
	return p, nil
}

// open begins with the first part of a list.
func (s *store) open(ctx context.Context, l *list) (parts, error) {
	if l.long == nil {
		return &inMemory{l.parts}, nil
	}
	return s.openLong(ctx, *l.long)
}

// readList reads the list of chunks of a file whose content is wanted, without the chunks.
func (s *store) readList(ctx context.Context, mac objects.MAC) (l *list, err error) {
	if known, ok := s.long.Load(mac); ok {
		return known.(*list), nil
	}
	_, b, err := s.find(blobID{resources.RT_OBJECT, mac})
	if err != nil {
		return nil, err
	}
	if b.length > maxStoredBlob {
		return s.readLong(ctx, b)
	}
	err = guard(func() error {
		stored, err := s.readStored(b, nil)
		if err != nil {
			return err
		}
		data, err := s.decode(b, nil, stored, MaxBlob)
		if err != nil {
			return err
		}
		l, err = s.decodeList(mac, data)
		return err
	})
	if s.isLong(b, err) {
		return s.readLong(ctx, b)
	}
	return l, err
}

// eachPart visits the chunks of a content, up to the first error of visit.
func (s *store) eachPart(ctx context.Context, mac objects.MAC, visit func(part) error) error {
	l, err := s.readList(ctx, mac)
	if err != nil {
		return err
	}
	in, err := s.open(ctx, l)
	if err != nil {
		return err
	}
	for {
		p, err := in.next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = visit(p)
		}
		if err != nil {
			return err
		}
	}
}

// isLong tells whether a blob is a list that is too long to be decoded in one piece, as err says, and may be as long.
func (s *store) isLong(b blob, err error) bool {
	var problem *Problem
	return b.typ == resources.RT_OBJECT && s.bounds.list > MaxBlob && errors.As(err, &problem) && problem.Kind == TooLarge
}

// decodeList decodes a list in one piece.
func (s *store) decodeList(mac objects.MAC, data []byte) (*list, error) {
	id := blobID{resources.RT_OBJECT, mac}
	if err := checkShape(data, s.bounds.chunks); err != nil {
		return nil, s.malformed(id, err)
	}
	object, err := objects.NewObjectFromBytes(data)
	if err != nil {
		return nil, s.malformed(id, err)
	}
	l := &list{mac: object.ContentMAC, parts: make([]part, len(object.Chunks))}
	for i, c := range object.Chunks {
		l.parts[i] = part{c.ContentMAC, c.Length}
		l.size += int64(c.Length)
		if err := s.checkPart(id, l.parts[i], len(l.parts)); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// checkPart refuses chunks that no list of so many can have.
func (s *store) checkPart(id blobID, p part, of int) error {
	if p.length > MaxBlob {
		return problemf(TooLarge, regionBlobs, nowhere, "%v has a chunk of %d bytes; at most %d are allowed", id, p.length, MaxBlob)
	}
	// An empty file has one empty chunk.
	if p.length == 0 && of > 1 {
		return s.malformed(id, errors.New("has an empty chunk among others"))
	}
	return nil
}
