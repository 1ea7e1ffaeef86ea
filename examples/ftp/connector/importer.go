package connector

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/importer"
	"github.com/PlakarKorp/kloset/exclude"
	"github.com/PlakarKorp/kloset/location"
)

// maxConnections bounds the connections to one server, however many files plakar reads at once.
const maxConnections = 8

// Importer is one tree on one server. It reads folders with MLSD, or with LIST where the server has nothing better, and
// opens a file only when plakar asks for its content. Only a root that cannot be read fails the import.
type Importer struct {
	acc         account
	excludes    *exclude.RuleSet
	pool        *pool
	withoutMLSD atomic.Bool // the server announces MLSD and does not have it
}

// NewImporter logs in to the server of config's location, so that a wrong host, name or password is known at once.
// See newAccount for the configuration. ctx bounds the login alone; the importer lives until Close.
func NewImporter(
	ctx context.Context, opts *connectors.Options, proto string, config map[string]string,
) (importer.Importer, error) {
	acc, err := newAccount(proto, config)
	if err != nil {
		return nil, fmt.Errorf("ftp importer: %w", err)
	}
	imp, err := importFrom(ctx, opts, acc)
	if err != nil {
		return nil, fmt.Errorf("ftp importer: %w", err)
	}
	return imp, nil
}

func importFrom(ctx context.Context, opts *connectors.Options, acc account) (*Importer, error) {
	excludes := exclude.NewRuleSet()
	if err := excludes.AddRulesFromArray(opts.Excludes); err != nil {
		return nil, fmt.Errorf("exclude rules: %w", err)
	}

	// One more than plakar's readers, for the walk.
	limit := min(max(opts.MaxConcurrency, 1)+1, maxConnections)
	imp := &Importer{
		acc:      acc,
		excludes: excludes,
		pool:     newPool(limit, func(ctx context.Context, how command) (*conn, error) { return connect(ctx, acc, how) }),
	}
	if err := imp.pool.ping(ctx); err != nil {
		return nil, err
	}
	return imp, nil
}

// Origin is the host, with the port if the location names one.
func (imp *Importer) Origin() string { return imp.acc.origin }

// Type is "ftp".
func (imp *Importer) Type() string { return "ftp" }

// Root is the path of the location.
func (imp *Importer) Root() string { return imp.acc.root }

// Flags is 0: the import can be repeated, and waits for no acknowledgement.
func (imp *Importer) Flags() location.Flags { return 0 }

// Ping asks whether the server still answers.
func (imp *Importer) Ping(ctx context.Context) error {
	if err := imp.pool.ping(ctx); err != nil {
		return fmt.Errorf("ftp importer: %w", err)
	}
	return nil
}

// Import sends the tree. When ctx ends first, transfers end with it.
func (imp *Importer) Import(ctx context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
	defer close(records)
	// Files may still be read after Import has returned, and ctx may end with it.
	defer context.AfterFunc(ctx, imp.pool.abort)()

	w := &walk{Importer: imp, ctx: ctx, records: records}
	err := w.run()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("ftp importer: %w", err)
	}
	return nil
}

// Close ends all connections. Files still being read fail.
func (imp *Importer) Close(context.Context) error {
	imp.pool.close()
	return nil
}
