package ptarread

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/PlakarKorp/kloset/resources"
	"golang.org/x/sync/errgroup"

	"github.com/PlakarKorp/kpkg/internal/ptar"
)

// Checked is what Check has looked at.
type Checked struct {
	// Blobs is how many blobs were compared with their MACs.
	Blobs int
	// Unpacked is how many bytes all blobs decode to.
	Unpacked int64
}

// Check reads all of the package and compares every byte with what it should be: the packfile's MAC, the MAC of each
// blob, and the distance from each blob to the end of the file. What it finds comes as problems, the first 100 in the
// order of the file; the error is a failure to read it, or ctx's.
//
// A file is the chunks that its object lists, and each has its MAC. The MAC over all of them together, with which no
// installation is compared, is checked by Extract: it would cost decoding chunks once for each file that shares them.
func (p *Package) Check(ctx context.Context) (Checked, []Problem, error) {
	c := &checker{s: &p.store}
	c.content = func(b blob, data []byte) error { return cmp.Or(p.compareLength(b, len(data)), c.bound()) }
	err := c.run(ctx)
	if err == nil {
		err = cmp.Or(c.distances(p), c.unused(p))
	}
	return c.checked, c.sorted(), stopped(err)
}

// errEnough ends a check that has found maxProblems, or a limit that makes the rest not worth reading.
var errEnough = errors.New("enough problems")

type checker struct {
	s *store
	// content looks at a blob once it is decoded. Calls overlap.
	content func(b blob, data []byte) error
	// long looks at a list of chunks that is not decoded in one piece, and says how many bytes it has; nil refuses one.
	long func(ctx context.Context, b blob) (int64, error)

	mu       sync.Mutex
	checked  Checked
	problems []Problem
}

// workers bounds the memory of a check: each worker holds a blob stored and decoded.
func workers() int { return min(runtime.GOMAXPROCS(0), 4) }

// sorted are the problems in the order of the file.
func (c *checker) sorted() []Problem {
	slices.SortStableFunc(c.problems, func(a, b Problem) int { return cmp.Compare(a.Offset, b.Offset) })
	return c.problems
}

// stopped is the error of a check, which has none if it has only seen enough.
func stopped(err error) error {
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// inBlob makes a problem one of a blob.
func inBlob(err error, b blob) error {
	var problem *Problem
	if errors.As(err, &problem) {
		problem.blob = b.id()
		if problem.Offset == nowhere {
			problem.Offset = b.offset
		}
	}
	return err
}

// record keeps a problem and passes any other error on.
func (c *checker) record(err error) error {
	var problem *Problem
	if !errors.As(err, &problem) {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.problems) < maxProblems { // other workers may be at a blob when one has found the last
		c.problems = append(c.problems, *problem)
	}
	if problem.Kind == TooLarge || len(c.problems) == maxProblems {
		return errEnough
	}
	return nil
}

// stored is a blob on its way from the reader to the workers, without its data if that is a long list.
type stored struct {
	blob blob
	data []byte
}

// run reads the packfile once from beginning to end: the reader hashes all of it while workers decode its blobs.
func (c *checker) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	queue := make(chan stored)
	free := make(chan []byte, workers()+1)
	for range cap(free) {
		free <- nil
	}
	group.Go(func() error {
		defer close(queue)
		return c.record(c.readPackfile(ctx, queue, free))
	})
	for range workers() {
		group.Go(func() error {
			var decoded []byte
			for s := range queue {
				err := guard(func() (err error) {
					if s.blob.length > maxStoredBlob {
						return c.longList(ctx, s.blob)
					}
					data, err := c.s.decode(s.blob, decoded, s.data, MaxBlob)
					if c.s.isLong(s.blob, err) {
						return c.longList(ctx, s.blob)
					}
					if err == nil {
						decoded = data
						c.count(int64(len(data)))
						err = c.content(s.blob, data)
					}
					return err
				})
				if err := c.record(inBlob(err, s.blob)); err != nil {
					return err
				}
				free <- s.data
			}
			return nil
		})
	}
	return group.Wait()
}

// readPackfile sends every blob to queue, in buffers from free.
func (c *checker) readPackfile(ctx context.Context, queue chan<- stored, free <-chan []byte) error {
	if c.s.joined != nil {
		return c.readJoined(ctx, queue, free)
	}
	packfile := c.s.layout.Packfile
	mac := c.s.key.Hasher()
	defer c.s.key.Put(mac)
	next := packfile.Offset
	err := c.s.index.each(func(b blob) error {
		if err := c.s.hashSection(ctx, mac, ptar.Section{Offset: next, Length: b.offset - next}); err != nil {
			return err
		}
		next = b.end()
		var data []byte
		select {
		case data = <-free:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if b.length <= maxStoredBlob {
			data = slices.Grow(data[:0], int(b.length))[:b.length]
			if err := ptar.ReadAt(c.s.file, data, b.offset); err != nil {
				return err
			}
			mac.Write(data)
		} else if err := c.s.hashSection(ctx, mac, ptar.Section{Offset: b.offset, Length: int64(b.length)}); err != nil {
			return err
		}
		select {
		case queue <- stored{b, data}:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	if err != nil {
		return err
	}
	if err := c.s.hashSection(ctx, mac, ptar.Section{Offset: next, Length: packfile.End() - ptar.EnvelopeMAC - next}); err != nil {
		return err
	}
	want, err := c.s.readSection(ptar.Section{Offset: packfile.End() - ptar.EnvelopeMAC, Length: ptar.EnvelopeMAC})
	if err != nil {
		return err
	}
	if !bytes.Equal(mac.Sum(nil), want) {
		return problemf(Damaged, regionPackfile, packfile.Offset, "does not match its MAC")
	}
	return nil
}

// longList looks at a list of chunks that the worker reads itself.
func (c *checker) longList(ctx context.Context, b blob) error {
	bytes, err := c.long(ctx, b)
	if err == nil {
		c.count(bytes)
	}
	return err
}

func (c *checker) count(bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.checked.Blobs++
	c.checked.Unpacked += bytes
}

// bound ends the check of a package that unpacks to more than one may.
func (c *checker) bound() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.checked.Unpacked > maxExpansion(c.s.size) {
		return problemf(TooLarge, regionBlobs, nowhere, "decode to more than %d bytes, too much for a package of %d bytes",
			maxExpansion(c.s.size), c.s.size)
	}
	return nil
}

// distances checks that every read of plakar's stays within the file. It reads beyond what it wants by a random amount
// and joins chunks that follow each other into one read of about 4 MiB, so that for chunks all of a run counts.
func (c *checker) distances(p *Package) error {
	const joined = 4<<20 + MaxBlob
	var run ptar.Section
	for _, b := range p.index.blobs {
		length := int64(b.length)
		if b.typ == resources.RT_CHUNK {
			if run.Length == 0 || run.End() != b.offset {
				run = ptar.Section{Offset: b.offset}
			}
			run.Length = b.end() - run.Offset
			length = min(run.Length, joined)
		}
		if behind := p.size - b.end(); behind < overread(length) {
			err := c.record(problemf(Inconsistent, regionBlobs, b.offset, "%v ends %d bytes before the end of the file; "+
				"plakar may read up to %d beyond it and fail", b.id(), behind, overread(length)))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// unused reports what no part of the snapshot refers to.
func (c *checker) unused(p *Package) error {
	blobs, bytes := 0, p.index.gaps
	for i, used := range p.used {
		if !used {
			blobs++
			bytes += int64(p.index.blobs[i].length)
		}
	}
	// The footer counts blobs that were written twice, of which the index knows one.
	total := int(p.index.footer.Count)
	blobs += total - len(p.index.blobs)
	if bytes == 0 && blobs == 0 {
		return nil
	}
	return c.record(problemf(Unused, regionBlobs, nowhere,
		"%d bytes and %d of %d blobs belong to nothing in the snapshot", bytes, blobs, total))
}
