package ptarread

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/resources"

	"github.com/PlakarKorp/kpkg/internal/scratch"
)

// spilled is an index of more blobs than memory is taken for, in two temporary files: one sorted by what blobs are called, to
// look them up, and one by where they are stored. Memory has a few bytes for each block of the first.
type spilled struct {
	folder *scratch.Folder
	count  int

	byID, byPlace *os.File
	// first holds the beginning of the MAC of the first blob in each block of byID.
	first []uint64
}

const (
	// spilledRecord is how a blob is kept there: MAC 32 | type 4 | offset 8 | length 4.
	spilledRecord = 32 + 4 + 8 + 4
	// spilledBlock is how many records a block has, which is read to look one up.
	spilledBlock = 128
	// spilledRun is how many blobs are sorted in memory, of which runs are merged.
	spilledRun = 1 << 18
	// spilledBuffer is how many bytes of each run are read at once when they are merged.
	spilledBuffer = 32 << 10
)

func (b blob) appendTo(out []byte) []byte {
	out = append(out, b.mac[:]...)
	out = binary.LittleEndian.AppendUint32(out, uint32(b.typ))
	out = binary.LittleEndian.AppendUint64(out, uint64(b.offset))
	return binary.LittleEndian.AppendUint32(out, b.length)
}

func spilledBlob(record []byte) blob {
	return blob{
		mac: objects.MAC(record), typ: resources.Type(binary.LittleEndian.Uint32(record[32:])),
		offset: int64(binary.LittleEndian.Uint64(record[36:])), length: binary.LittleEndian.Uint32(record[44:]),
	}
}

func compareIDs(a, b blob) int {
	return cmp.Or(bytes.Compare(a.mac[:], b.mac[:]), cmp.Compare(a.typ, b.typ))
}

// comparePlaces orders blobs as they are stored. An empty blob, stored as nothing without compression, is where the next one is.
func comparePlaces(a, b blob) int {
	return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(a.length, b.length))
}

// spiller takes the blobs of an index in any order.
type spiller struct {
	into *spilled
	ids  *runs
	// places are those of the same blobs.
	places *runs
}

func newSpiller() (*spiller, error) {
	folder, err := scratch.Make("index")
	if err != nil {
		return nil, err
	}
	s := &spiller{into: &spilled{folder: folder}}
	s.ids, err = newRuns(folder.Path, "ids", compareIDs)
	if err == nil {
		s.places, err = newRuns(folder.Path, "places", comparePlaces)
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *spiller) close() error {
	for _, r := range []*runs{s.ids, s.places} {
		if r != nil {
			r.file.Close()
		}
	}
	return s.into.close()
}

func (s *spiller) add(b blob) error {
	s.into.count++
	return cmp.Or(s.ids.add(b), s.places.add(b))
}

// finish sorts what was added. visit gets all blobs, first in the order of their identifiers, then as they are stored.
func (s *spiller) finish(ctx context.Context, byID, byPlace func(blob) error) (_ *spilled, err error) {
	n := 0
	s.into.byID, err = s.ids.merge(ctx, func(b blob) error {
		if n%spilledBlock == 0 {
			s.into.first = append(s.into.first, binary.BigEndian.Uint64(b.mac[:]))
		}
		n++
		return byID(b)
	})
	if err == nil {
		s.into.byPlace, err = s.places.merge(ctx, byPlace)
	}
	if err != nil {
		return nil, err
	}
	return s.into, nil
}

// close removes the temporary files.
func (s *spilled) close() error {
	for _, f := range []*os.File{s.byID, s.byPlace} {
		if f != nil {
			f.Close()
		}
	}
	return s.folder.Remove()
}

// find looks a blob up; its number counts identifiers in their order.
func (s *spilled) find(id blobID) (int, blob, bool, error) {
	wanted := blob{mac: id.mac, typ: id.typ}
	key := binary.BigEndian.Uint64(id.mac[:])
	// The blob is in the last block that begins before it. Blocks that begin alike are told apart by their first blobs.
	low := max(0, sort.Search(len(s.first), func(i int) bool { return s.first[i] >= key })-1)
	high := sort.Search(len(s.first), func(i int) bool { return s.first[i] > key })
	var block [spilledBlock * spilledRecord]byte
	for high-low > 1 {
		middle := (low + high) / 2
		if _, err := s.byID.ReadAt(block[:spilledRecord], int64(middle)*int64(len(block))); err != nil {
			return 0, blob{}, false, fmt.Errorf("read the temporary index: %w", err)
		}
		if compareIDs(spilledBlob(block[:]), wanted) <= 0 {
			low = middle
		} else {
			high = middle
		}
	}
	n, err := s.byID.ReadAt(block[:], int64(low)*int64(len(block)))
	if err != nil && err != io.EOF {
		return 0, blob{}, false, fmt.Errorf("read the temporary index: %w", err)
	}
	at, found := sort.Find(n/spilledRecord, func(i int) int { return compareIDs(wanted, spilledBlob(block[i*spilledRecord:])) })
	if !found {
		return 0, blob{}, false, nil
	}
	return low*spilledBlock + at, spilledBlob(block[at*spilledRecord:]), true, nil
}

// each visits all blobs as they are stored.
func (s *spilled) each(visit func(blob) error) error {
	in := bufio.NewReaderSize(io.NewSectionReader(s.byPlace, 0, int64(s.count)*spilledRecord), 256<<10)
	record := make([]byte, spilledRecord)
	for range s.count {
		if _, err := io.ReadFull(in, record); err != nil {
			return fmt.Errorf("read the temporary index: %w", err)
		}
		if err := visit(spilledBlob(record)); err != nil {
			return err
		}
	}
	return nil
}

// runs sorts any number of blobs by way of a file of sorted runs.
type runs struct {
	compare func(a, b blob) int
	file    *os.File
	name    string
	pending []blob
	ends    []int64 // of the runs in the file
	out     []byte
}

func newRuns(dir, name string, compare func(a, b blob) int) (*runs, error) {
	file, err := os.OpenFile(filepath.Join(dir, name+"-runs"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make a temporary index: %w", err)
	}
	return &runs{compare: compare, file: file, name: filepath.Join(dir, name), pending: make([]blob, 0, spilledRun)}, nil
}

func (r *runs) add(b blob) error {
	if r.pending = append(r.pending, b); len(r.pending) < spilledRun {
		return nil
	}
	return r.flush()
}

func (r *runs) flush() error {
	slices.SortFunc(r.pending, r.compare)
	w := bufio.NewWriterSize(r.file, 256<<10)
	for _, b := range r.pending {
		r.out = b.appendTo(r.out[:0])
		w.Write(r.out) // Flush says whether it could
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write a temporary index: %w", err)
	}
	var end int64
	if len(r.ends) > 0 {
		end = r.ends[len(r.ends)-1]
	}
	r.ends = append(r.ends, end+int64(len(r.pending))*spilledRecord)
	r.pending = r.pending[:0]
	return nil
}

// merge writes all blobs in their order into a file, and visits them. The runs are gone then.
func (r *runs) merge(ctx context.Context, visit func(blob) error) (*os.File, error) {
	if err := r.flush(); err != nil {
		return nil, err
	}
	r.pending = nil
	merged, err := os.OpenFile(r.name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make a temporary index: %w", err)
	}
	w := bufio.NewWriterSize(merged, 256<<10)
	err = r.inOrder(ctx, func(b blob) error {
		r.out = b.appendTo(r.out[:0])
		if _, err := w.Write(r.out); err != nil {
			return fmt.Errorf("write a temporary index: %w", err)
		}
		return visit(b)
	})
	if err == nil {
		if err = w.Flush(); err != nil {
			err = fmt.Errorf("write a temporary index: %w", err)
		}
	}
	if err == nil {
		err = errors.Join(r.file.Close(), os.Remove(r.file.Name()))
	}
	if err != nil {
		merged.Close()
		return nil, err
	}
	return merged, nil
}

func (r *runs) inOrder(ctx context.Context, visit func(blob) error) error {
	h := &runHeap{compare: r.compare}
	var start int64
	for _, end := range r.ends {
		run := &run{in: bufio.NewReaderSize(io.NewSectionReader(r.file, start, end-start), spilledBuffer), left: (end - start) / spilledRecord}
		start = end
		more, err := run.advance()
		if err != nil {
			return err
		}
		if more {
			h.runs = append(h.runs, run)
		}
	}
	heap.Init(h)
	for n := 0; len(h.runs) > 0; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := visit(h.runs[0].next); err != nil {
			return err
		}
		more, err := h.runs[0].advance()
		if err != nil {
			return err
		}
		if more {
			heap.Fix(h, 0)
		} else {
			heap.Pop(h)
		}
	}
	return nil
}

// run is a sorted run as it is read.
type run struct {
	in     *bufio.Reader
	left   int64
	next   blob
	record [spilledRecord]byte
}

func (r *run) advance() (more bool, err error) {
	if r.left == 0 {
		return false, nil
	}
	r.left--
	if _, err := io.ReadFull(r.in, r.record[:]); err != nil {
		return false, fmt.Errorf("read a temporary index: %w", err)
	}
	r.next = spilledBlob(r.record[:])
	return true, nil
}

// runHeap has the run on top whose next blob comes first.
type runHeap struct {
	compare func(a, b blob) int
	runs    []*run
}

func (h *runHeap) Len() int           { return len(h.runs) }
func (h *runHeap) Less(i, j int) bool { return h.compare(h.runs[i].next, h.runs[j].next) < 0 }
func (h *runHeap) Swap(i, j int)      { h.runs[i], h.runs[j] = h.runs[j], h.runs[i] }
func (h *runHeap) Push(x any)         { h.runs = append(h.runs, x.(*run)) }
func (h *runHeap) Pop() any {
	last := h.runs[len(h.runs)-1]
	h.runs = h.runs[:len(h.runs)-1]
	return last
}
