// Package klosettest reads packages with kloset itself, the way plakar's clients do, so that tests have a second opinion
// on what this module writes and reads.
package klosettest

import (
	"io"
	"testing"

	_ "github.com/PlakarKorp/integrations/ptar/storage" // registers ptar://
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/kcontext"
	"github.com/PlakarKorp/kloset/logging"
	"github.com/PlakarKorp/kloset/repository"
	"github.com/PlakarKorp/kloset/snapshot"

	"github.com/PlakarKorp/kpkg/internal/klosetcache"
)

// Context is a kloset context that logs nothing and keeps nothing outside the test's temporary folder.
func Context(t testing.TB) *kcontext.KContext {
	ctx := kcontext.NewKContext()
	ctx.SetLogger(logging.NewLogger(io.Discard, io.Discard))
	ctx.MaxConcurrency = 1
	ctx.CacheDir = t.TempDir()
	ctx.SetCache(klosetcache.NewManager(ctx.CacheDir, func(err error) { t.Error(err) }))
	t.Cleanup(func() { ctx.GetCache().Close() })
	return ctx
}

// Snapshots opens every snapshot of the ptar at the absolute path.
func Snapshots(t testing.TB, path string) []*snapshot.Snapshot {
	t.Helper()
	ctx := Context(t)
	store, config, err := storage.Open(ctx, map[string]string{"location": "ptar://" + path})
	if err != nil {
		t.Fatalf("kloset cannot open %s: %v", path, err)
	}
	t.Cleanup(func() { store.Close(ctx) })
	repo, err := repository.New(ctx, nil, store, config)
	if err != nil {
		t.Fatalf("kloset cannot read %s: %v", path, err)
	}
	var snapshots []*snapshot.Snapshot
	for id, err := range repo.ListSnapshots() {
		if err != nil {
			t.Fatalf("kloset cannot list the snapshots of %s: %v", path, err)
		}
		snap, err := snapshot.Load(repo, id)
		if err != nil {
			t.Fatalf("kloset cannot load a snapshot of %s: %v", path, err)
		}
		check, err := ctx.GetCache().Check()
		if err != nil {
			t.Fatal(err)
		}
		snap.SetCheckCache(check)
		snapshots = append(snapshots, snap)
	}
	return snapshots
}
