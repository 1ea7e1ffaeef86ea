// Package klosetcache keeps kloset's caches in a folder, for programs that open a store once and leave nothing behind. What
// kloset looks up again in a backup grows with every file, by about 3 KiB on disk: memory holds only the latest of it.
//
// It refuses to let a failure pass: kloset drops some errors of its caches, and would write a store that lacks what a cache
// has lost.
package klosetcache

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/PlakarKorp/kloset/caching"
	"github.com/PlakarKorp/kloset/caching/sqlite"
)

const (
	// pendingBytes is how much a cache keeps in memory until it is written. The more at once, the fewer pages are written
	// twice, as keys come in no order.
	pendingBytes = 8 << 20
	// pageSize is how many pairs a scan reads at once.
	pageSize = 1000
)

// NewManager makes a manager whose caches are files in dir, each gone when it is closed. failed is told of every error,
// as often as it is met.
func NewManager(dir string, failed func(error)) *caching.Manager {
	return caching.NewManager(func(_, name, _ string, _ caching.Option) (caching.Cache, error) {
		return &cache{dir: dir, name: name, failed: failed, pending: map[string][]byte{}}, nil
	})
}

// cache is a table of pairs in a SQLite database, which is there from the first pair on that does not stay in memory.
type cache struct {
	dir, name string
	failed    func(error)

	mu      sync.Mutex
	closed  bool
	pending map[string][]byte // not in the table yet
	size    int               // bytes of pending
	db      *sqlite.SQLiteCache
	get     *sql.Stmt
}

// do runs f with the cache locked, and tells of its error. Once closed it runs nothing: that might make a table again, in a
// folder that is being removed.
func (c *cache) do(f func() error) error {
	return c.locked(func() error {
		if c.closed {
			return caching.ErrClosed
		}
		return f()
	})
}

func (c *cache) locked(f func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := f()
	if err != nil {
		err = fmt.Errorf("keep kloset's %s cache in a temporary folder: %w", c.name, err)
		c.failed(err)
	}
	return err
}

func (c *cache) Put(key, value []byte) error {
	return c.do(func() error {
		c.pending[string(key)] = bytes.Clone(value)
		c.size += len(key) + len(value)
		if c.size < pendingBytes {
			return nil
		}
		return c.flush()
	})
}

// flush writes what is pending, in the order of the table.
func (c *cache) flush() error {
	if len(c.pending) == 0 {
		return nil
	}
	if c.db == nil {
		if err := c.open(); err != nil {
			return err
		}
	}
	tx, err := c.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	put, err := tx.Prepare("INSERT OR REPLACE INTO pairs VALUES (?, ?)")
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(c.pending)) {
		if _, err := put.Exec([]byte(key), c.pending[key]); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	clear(c.pending)
	c.size = 0
	return nil
}

func (c *cache) open() error {
	folder, err := os.MkdirTemp(c.dir, c.name+"-")
	if err != nil {
		return err
	}
	db, err := sqlite.New(folder, "pairs", &sqlite.Options{DeleteOnClose: true})
	if err != nil {
		return err
	}
	// Nobody opens it again, so nothing of it has to survive an interruption.
	if _, err := db.Exec("PRAGMA journal_mode = OFF; PRAGMA locking_mode = EXCLUSIVE; " +
		"CREATE TABLE pairs (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID"); err != nil {
		return errors.Join(err, db.Close())
	}
	get, err := db.Prepare("SELECT value FROM pairs WHERE key = ?")
	if err != nil {
		return errors.Join(err, db.Close())
	}
	c.db, c.get = db, get
	return nil
}

func (c *cache) Has(key []byte) (found bool, err error) {
	err = c.do(func() error {
		_, found, err = c.find(key)
		return err
	})
	return found, err
}

// Get returns nil for a key that is not there.
func (c *cache) Get(key []byte) (value []byte, err error) {
	err = c.do(func() error {
		value, _, err = c.find(key)
		return err
	})
	return value, err
}

func (c *cache) find(key []byte) (value []byte, found bool, err error) {
	if value, found := c.pending[string(key)]; found || c.db == nil {
		return value, found, nil
	}
	err = c.get.QueryRow(key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return value, err == nil, err
}

func (c *cache) Delete(key []byte) error {
	return c.do(func() error {
		delete(c.pending, string(key))
		if c.db == nil {
			return nil
		}
		_, err := c.db.Exec("DELETE FROM pairs WHERE key = ?", key)
		return err
	})
}

// Scan goes over the keys with the prefix, in order. The cache may be changed meanwhile: pages are read as they are
// reached.
func (c *cache) Scan(prefix []byte, reverse bool) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		from, to := bytes.Clone(prefix), end(prefix)
		for {
			var page []pair
			err := c.do(func() (err error) {
				page, err = c.page(from, to, reverse)
				return err
			})
			if err != nil {
				return
			}
			for _, p := range page {
				if !yield(p.key, p.value) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
			if last := page[len(page)-1].key; reverse {
				to = last
			} else {
				from = append(last, 0) // the first key after it
			}
		}
	}
}

// end is the first key after all those with the prefix. kloset's keys are text: none begins with the byte 0xff.
func end(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			after := bytes.Clone(prefix[:i+1])
			after[i]++
			return after
		}
	}
	return []byte{0xff}
}

type pair struct{ key, value []byte }

// page reads the first pairs, or the last ones in reverse, from a key to before another.
func (c *cache) page(from, to []byte, reverse bool) ([]pair, error) {
	if err := c.flush(); err != nil || c.db == nil {
		return nil, err
	}
	order := "ASC"
	if reverse {
		order = "DESC"
	}
	rows, err := c.db.Query("SELECT key, value FROM pairs WHERE key >= ? AND key < ? ORDER BY key "+order+" LIMIT ?",
		from, to, pageSize)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var page []pair
	for rows.Next() {
		var p pair
		if err := rows.Scan(&p.key, &p.value); err != nil {
			return nil, err
		}
		page = append(page, p)
	}
	return page, rows.Err()
}

func (c *cache) NewBatch() caching.Batch { return &batch{cache: c} }

// Close may be called twice.
func (c *cache) Close() error {
	return c.locked(func() error {
		wasClosed := c.closed
		c.closed, c.pending = true, nil
		if wasClosed || c.db == nil {
			return nil
		}
		return errors.Join(c.get.Close(), c.db.Close())
	})
}

// batch writes at once: the cache itself puts writes together.
type batch struct {
	cache *cache
	n     uint32
}

func (b *batch) Put(key, value []byte) error { b.n++; return b.cache.Put(key, value) }
func (b *batch) Count() uint32               { return b.n }
func (b *batch) Commit() error               { return nil }
