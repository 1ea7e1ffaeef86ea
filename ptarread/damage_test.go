package ptarread_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/PlakarKorp/kloset/connectors/storage"
	"golang.org/x/sync/errgroup"

	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

// sound reports whether nothing is found to be wrong with a package.
func sound(data []byte) bool {
	pkg, err := ptarread.New(context.Background(), bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return false
	}
	_, problems, err := pkg.Check(context.Background())
	return err == nil && len(problems) == 0
}

// TestDamage flips a bit and all bits of a byte at every place of small packages, cuts them at every length and lets them
// grow, and requires that all of it is found: no byte of a package is without a check.
func TestDamage(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	if testing.Short() {
		t.Skip("reads a package thousands of times")
	}
	// LZ4's buffers are 4 MiB each and pooled, which a collection empties: without it half of the time goes to clearing new ones.
	defer debug.SetGCPercent(debug.SetGCPercent(4000))
	for name, data := range map[string][]byte{
		"kpkg":     ptartest.Kpkg(t, small()),
		"upstream": ptartest.Upstream(t, small(), nil),
	} {
		t.Run(name, func(t *testing.T) {
			if !sound(data) {
				t.Fatal("the package is damaged before it is damaged")
			}
			var group errgroup.Group
			group.SetLimit(runtime.GOMAXPROCS(0))
			for at := range data {
				group.Go(func() error {
					for _, flip := range []byte{1 << (at % 8), 0xff} {
						damaged := bytes.Clone(data)
						damaged[at] ^= flip
						if sound(damaged) {
							return fmt.Errorf("byte %d of %d xor %#x is not found", at, len(data), flip)
						}
					}
					if sound(data[:at]) {
						return fmt.Errorf("a cut at byte %d of %d is not found", at, len(data))
					}
					return nil
				})
			}
			for _, more := range [][]byte{{0}, make([]byte, 4096), data[len(data)-48:], data} {
				group.Go(func() error {
					if sound(append(bytes.Clone(data), more...)) {
						return fmt.Errorf("%d more bytes are not found", len(more))
					}
					return nil
				})
			}
			if err := group.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDamageInChunks does the same at some places of the chunks of a larger package.
func TestDamageInChunks(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	data := ptartest.Kpkg(t, sample())
	for at := 1000; at < len(data); at += 65537 {
		damaged := bytes.Clone(data)
		damaged[at] ^= 0x10
		if sound(damaged) {
			t.Errorf("a flipped bit of byte %d is not found", at)
		}
	}
}

func uncompressed(c *storage.Configuration) { c.Compression = nil }

// TestDamageOfArchives flips a bit of every byte of small archives of several kinds, cuts them and lets them grow.
func TestDamageOfArchives(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	if testing.Short() {
		t.Skip("reads an archive thousands of times")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(4000)) // as above
	for name, archive := range map[string]ptartest.Archive{
		"plain":     {Snapshots: several()[:1]},
		"encrypted": {Snapshots: several()[:1], Passphrase: passphrase},
		"several":   {Snapshots: several(), Configure: uncompressed}, // which is much faster
	} {
		t.Run(name, func(t *testing.T) {
			data := archive.Bytes(t)
			sound := func(data []byte) bool {
				a, err := ptarread.NewArchive(context.Background(), bytes.NewReader(data), int64(len(data)), asked(passphrase))
				if err != nil {
					return false
				}
				defer a.Close()
				_, problems, err := a.Check(context.Background())
				return err == nil && len(problems) == 0
			}
			if !sound(data) {
				t.Fatal("the archive is damaged before it is damaged")
			}
			var group errgroup.Group
			group.SetLimit(runtime.GOMAXPROCS(0))
			for at := range data {
				group.Go(func() error {
					damaged := bytes.Clone(data)
					damaged[at] ^= 1 << (at % 8)
					if sound(damaged) {
						return fmt.Errorf("a flipped bit of byte %d of %d is not found", at, len(data))
					}
					if at%16 == 0 && sound(data[:at]) {
						return fmt.Errorf("a cut at byte %d of %d is not found", at, len(data))
					}
					return nil
				})
			}
			for _, more := range [][]byte{{0}, make([]byte, 4096), data[len(data)-48:], data} {
				group.Go(func() error {
					if sound(append(bytes.Clone(data), more...)) {
						return fmt.Errorf("%d more bytes are not found", len(more))
					}
					return nil
				})
			}
			if err := group.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}
