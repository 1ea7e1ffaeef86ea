package ptarread

import "hash/maphash"

// comparison holds what the state says of the blobs against the index.
type comparison interface {
	// add takes where a blob is, and says what is wrong with that, or nothing.
	add(blob) string
	// complete tells whether the blobs that were added, as many as the index has, are the index's. The error is one of reading
	// the temporary index.
	complete() (bool, error)
}

func (x *index) comparison() comparison {
	if x.spilled == nil {
		return &lookedUp{x, make([]bool, x.count)}
	}
	return &summed{x, [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, [2]uint64{}}
}

// lookedUp compares one blob after the other.
type lookedUp struct {
	index *index
	seen  []bool
}

func (l *lookedUp) add(b blob) string {
	n, listed, known, _ := l.index.lookup(b.id())
	if !known || l.seen[n] {
		return ", which is not in the index once"
	}
	l.seen[n] = true
	if listed != b {
		return " elsewhere than the index"
	}
	return ""
}

func (l *lookedUp) complete() (bool, error) { return true, nil }

// summed compares all blobs at once, whatever their order: to look up those of an index on disk takes a read for each. Two
// lists that differ have the same sums by a chance of 2^-128; what the sums are of one blob is random in every run.
type summed struct {
	index *index
	seeds [2]maphash.Seed
	sums  [2]uint64
}

func (s *summed) add(b blob) string {
	for i, seed := range s.seeds {
		s.sums[i] += maphash.Comparable(seed, b)
	}
	return ""
}

func (s *summed) complete() (bool, error) {
	listed := summed{seeds: s.seeds}
	err := s.index.each(func(b blob) error {
		listed.add(b)
		return nil
	})
	return listed.sums == s.sums, err
}
