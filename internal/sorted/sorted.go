// Package sorted sorts any number of pairs within a bound of memory: what goes over it is in temporary files, each sorted by
// itself, which are merged when the pairs are read.
package sorted

import (
	"bufio"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
)

// pending is how many bytes of pairs are in memory before they are written.
const pending = 8 << 20

// Pair is a key with its value.
type Pair struct {
	Key   string
	Value []byte
}

// Pairs are pairs that are being collected.
type Pairs struct {
	dir     string
	compare func(a, b string) int
	held    []Pair
	size    int
	runs    []*os.File
}

// New makes a collection whose files are in dir, without a name where the system allows that. compare orders the keys.
func New(dir string, compare func(a, b string) int) *Pairs { return &Pairs{dir: dir, compare: compare} }

// Add adds a pair, and keeps value.
func (p *Pairs) Add(key string, value []byte) error {
	p.held = append(p.held, Pair{key, value})
	if p.size += len(key) + len(value) + 64; p.size < pending {
		return nil
	}
	if err := p.spill(); err != nil {
		return fmt.Errorf("sorting in a temporary file: %w", err)
	}
	return nil
}

func (p *Pairs) sort() {
	slices.SortStableFunc(p.held, func(a, b Pair) int { return p.compare(a.Key, b.Key) })
}

func (p *Pairs) spill() error {
	p.sort()
	file, err := os.CreateTemp(p.dir, "sorted-*")
	if err != nil {
		return err
	}
	p.runs = append(p.runs, file)
	os.Remove(file.Name()) // it stays until it is closed, but on windows, where the folder goes with all that is in it
	out := bufio.NewWriterSize(file, 256<<10)
	var head []byte
	for _, pair := range p.held {
		head = binary.AppendUvarint(head[:0], uint64(len(pair.Key)))
		head = binary.AppendUvarint(head, uint64(len(pair.Value)))
		out.Write(head)
		out.WriteString(pair.Key)
		out.Write(pair.Value)
	}
	clear(p.held)
	p.held, p.size = p.held[:0], 0
	return out.Flush()
}

// All gives the pairs in the order of their keys, those of equal keys as they were added, once.
func (p *Pairs) All() iter.Seq2[Pair, error] {
	return func(yield func(Pair, error) bool) {
		p.sort()
		var m merge
		m.compare = p.compare
		for i, file := range p.runs {
			if _, err := file.Seek(0, io.SeekStart); err != nil {
				yield(Pair{}, err)
				return
			}
			m.sources = append(m.sources, &source{number: i, in: bufio.NewReaderSize(file, 64<<10)})
		}
		m.sources = append(m.sources, &source{number: len(p.runs), held: p.held})
		all := m.sources
		m.sources = nil
		for _, s := range all {
			more, err := s.next()
			if err != nil {
				yield(Pair{}, err)
				return
			}
			if more {
				m.sources = append(m.sources, s)
			}
		}
		heap.Init(&m)
		for len(m.sources) > 0 {
			first := m.sources[0]
			if !yield(first.pair, nil) {
				return
			}
			more, err := first.next()
			if err != nil {
				yield(Pair{}, fmt.Errorf("reading a temporary file: %w", err))
				return
			}
			if more {
				heap.Fix(&m, 0)
			} else {
				heap.Pop(&m)
			}
		}
	}
}

// Close lets go of the files.
func (p *Pairs) Close() error {
	var err error
	for _, file := range p.runs {
		err = errors.Join(err, file.Close())
	}
	p.runs, p.held = nil, nil
	return err
}

// source is one sorted run, in a file or in memory.
type source struct {
	number int
	in     *bufio.Reader
	held   []Pair
	pair   Pair
}

func (s *source) next() (more bool, err error) {
	if s.in == nil {
		if len(s.held) == 0 {
			return false, nil
		}
		s.pair, s.held = s.held[0], s.held[1:]
		return true, nil
	}
	key, err := binary.ReadUvarint(s.in)
	if err == io.EOF {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	value, err := binary.ReadUvarint(s.in)
	if err != nil {
		return false, err
	}
	data := make([]byte, key+value)
	if _, err := io.ReadFull(s.in, data); err != nil {
		return false, err
	}
	s.pair = Pair{string(data[:key]), data[key:]}
	return true, nil
}

// merge is a heap of sources by their first pairs.
type merge struct {
	sources []*source
	compare func(a, b string) int
}

func (m *merge) Len() int { return len(m.sources) }
func (m *merge) Less(i, j int) bool {
	a, b := m.sources[i], m.sources[j]
	if order := m.compare(a.pair.Key, b.pair.Key); order != 0 {
		return order < 0
	}
	return a.number < b.number
}
func (m *merge) Swap(i, j int) { m.sources[i], m.sources[j] = m.sources[j], m.sources[i] }
func (m *merge) Push(x any)    { m.sources = append(m.sources, x.(*source)) }
func (m *merge) Pop() any {
	last := m.sources[len(m.sources)-1]
	m.sources = m.sources[:len(m.sources)-1]
	return last
}
