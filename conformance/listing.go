package conformance

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/importer"
)

// listing is what an import has brought.
type listing struct {
	mu      sync.Mutex
	root    string
	records []*connectors.Record
	read    map[string]read // by key
}

// read is what became of a reader.
type read struct {
	size int64
	sum  [sha256.Size]byte
	err  error
}

// key names an entry: a path, or an extended attribute of one.
func key(r *connectors.Record) string {
	if r.IsXattr {
		return r.Pathname + " attribute " + r.XattrName
	}
	return r.Pathname
}

// hasContent tells the records that kloset reads.
func hasContent(r *connectors.Record) bool {
	return r.Err == nil && (r.IsXattr || r.FileInfo.Lmode.IsRegular())
}

// drive imports as kloset does: workers take the records, and acknowledge each once take has returned.
func drive(ctx context.Context, imp importer.Importer, workers int, take func(*connectors.Record) error) error {
	records := make(chan *connectors.Record, workers)
	results := make(chan *connectors.Result, workers)
	returned := make(chan struct{})
	defer close(returned)
	var working sync.WaitGroup
	for range workers {
		working.Go(func() {
			for {
				select {
				case r, more := <-records:
					if !more {
						return
					}
					if err := take(r); err != nil {
						results <- r.Error(err)
					} else {
						results <- r.Ok()
					}
				case <-returned: // the client does not close records when it could not reach the plugin
					return
				}
			}
		})
	}
	go func() {
		working.Wait()
		close(results)
	}()
	return imp.Import(ctx, records, results)
}

// readAll imports and reads everything.
func readAll(ctx context.Context, imp importer.Importer, workers int) (*listing, error) {
	l := &listing{root: imp.Root(), read: map[string]read{}}
	err := drive(ctx, imp, workers, func(r *connectors.Record) error {
		var got read
		if hasContent(r) {
			sum := sha256.New()
			got.size, got.err = io.Copy(sum, r.Reader)
			sum.Sum(got.sum[:0])
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.records = append(l.records, r)
		if hasContent(r) {
			l.read[key(r)] = got
		}
		return got.err
	})
	return l, err
}

// failures lists what could not be read, sorted.
func (l *listing) failures() []string {
	var failures []string
	for name, got := range l.read {
		if got.err != nil {
			failures = append(failures, fmt.Sprintf("%q: %v", name, got.err))
		}
	}
	slices.Sort(failures)
	return failures
}

// bytes is how much was read.
func (l *listing) bytes() int64 {
	var n int64
	for _, got := range l.read {
		n += got.size
	}
	return n
}

// anyError tells whether an entry came as an error, or could not be read.
func (l *listing) anyError() bool {
	return len(l.failures()) > 0 || slices.ContainsFunc(l.records, func(r *connectors.Record) bool { return r.Err != nil })
}

// paths are those of all records that are no errors and no extended attributes.
func (l *listing) paths() map[string]*connectors.Record {
	paths := map[string]*connectors.Record{}
	for _, r := range l.records {
		if r.Err == nil && !r.IsXattr {
			paths[r.Pathname] = r
		}
	}
	return paths
}

// sameAs says what is in one listing only, or different. Times and sizes of folders may have changed in between.
func (l *listing) sameAs(other *listing) error {
	mine, theirs := l.describe(), other.describe()
	for _, name := range slices.Sorted(maps.Keys(mine)) {
		if theirs[name] != mine[name] {
			return fmt.Errorf("%q is %s, and then %s", name, orNothing(mine[name]), orNothing(theirs[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(theirs)) {
		if _, both := mine[name]; !both {
			return fmt.Errorf("%q is nothing, and then %s", name, theirs[name])
		}
	}
	return nil
}

// differing are the keys of what is in one listing only, or different.
func (l *listing) differing(other *listing) map[string]bool {
	mine, theirs := l.describe(), other.describe()
	keys := map[string]bool{}
	for _, entries := range []map[string]string{mine, theirs} {
		for name := range entries {
			if mine[name] != theirs[name] {
				keys[name] = true
			}
		}
	}
	return keys
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// describe tells the kind, permissions and content of every entry.
func (l *listing) describe() map[string]string {
	entries := map[string]string{}
	for _, r := range l.records {
		switch got := l.read[key(r)]; {
		case r.Err != nil:
			entries[key(r)] = "an error"
		case got.err != nil:
			entries[key(r)] = "unreadable"
		case r.FileInfo.Lmode.Type() == fs.ModeSymlink:
			entries[key(r)] = "a link to " + r.Target
		case hasContent(r):
			entries[key(r)] = fmt.Sprintf("%v, %d bytes, sum %x", r.FileInfo.Lmode, got.size, got.sum[:4])
		default:
			entries[key(r)] = r.FileInfo.Lmode.String()
		}
	}
	return entries
}

// largest are the keys of the largest records that have content, no more than count.
func (l *listing) largest(count int) map[string]bool {
	size := func(r *connectors.Record) int64 { return l.read[key(r)].size }
	largest := slices.DeleteFunc(slices.Clone(l.records), func(r *connectors.Record) bool { return size(r) == 0 })
	slices.SortFunc(largest, func(a, b *connectors.Record) int { return cmp.Compare(size(b), size(a)) })
	keys := map[string]bool{}
	for _, r := range largest[:min(count, len(largest))] {
		keys[key(r)] = true
	}
	return keys
}

// firstFew joins the first of many.
func firstFew(all []string) string {
	if len(all) > 3 {
		return fmt.Sprintf("%s, and %d more", strings.Join(all[:3], "; "), len(all)-3)
	}
	return strings.Join(all, "; ")
}
