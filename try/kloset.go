package try

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/kcontext"
	"github.com/PlakarKorp/kloset/logging"

	"github.com/PlakarKorp/kpkg/internal/klosetcache"
)

// workers is how many files are backed up at once, whatever the machine: each takes 20 MiB, for the chunks of one and to
// compress them.
const workers = 4

// reportInterval is how often kloset tells of the bytes that it has read.
const reportInterval = 100 * time.Millisecond

// newKContext is what kloset runs in. It keeps its databases in dir. What it would log is either an error that a call
// returns as well or one that is told on its bus of events, so the log is dropped. Cancelling it ends what runs in it; it must be
// closed with closeKContext.
func newKContext(ctx context.Context, dir string) (*kcontext.KContext, error) {
	cwd, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("find the current folder: %w", err)
	}
	k := kcontext.NewKContext()
	k.Cancel(nil) // its own is replaced
	k.Context, k.Cancel = context.WithCancelCause(ctx)
	k.Stdout, k.Stderr = io.Discard, io.Discard
	k.SetLogger(logging.NewLogger(io.Discard, io.Discard))
	k.SetCache(klosetcache.NewManager(dir, k.Cancel))
	k.CacheDir = dir
	k.CWD = cwd
	k.MaxConcurrency = workers
	k.IOStatsInterval = reportInterval
	// What a snapshot records of the machine. Not the command line, which may hold secrets.
	k.Hostname, _ = os.Hostname()
	k.OperatingSystem, k.Architecture = runtime.GOOS, runtime.GOARCH
	k.Client = "kpkg"
	return k, nil
}

// closeKContext ends what runs in k, and lets go of the files that its caches hold open.
func closeKContext(k *kcontext.KContext) {
	k.Cancel(nil)
	k.GetCache().Close()
}

// options are what connectors get to know of the machine.
func options(k *kcontext.KContext) *connectors.Options {
	return &connectors.Options{
		Hostname: k.Hostname, OperatingSystem: k.OperatingSystem, Architecture: k.Architecture,
		CWD: k.CWD, MaxConcurrency: k.MaxConcurrency,
	}
}
