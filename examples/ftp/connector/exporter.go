package connector

import (
	"context"
	"fmt"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/exporter"
	"github.com/PlakarKorp/kloset/location"
)

// Exporter is one folder on one server. It restores folders and files, and times where the server lets it. Of modes,
// owners and symbolic links FTP knows nothing: the first two are left out, a symbolic link is an error.
type Exporter struct {
	acc     account
	workers int
	pool    *pool
}

// NewExporter logs in to the server of config's location, so that a wrong host, name or password is known at once.
// See newAccount for the configuration. ctx bounds the login alone; the exporter lives until Close.
func NewExporter(
	ctx context.Context, opts *connectors.Options, proto string, config map[string]string,
) (exporter.Exporter, error) {
	acc, err := newAccount(proto, config)
	if err != nil {
		return nil, fmt.Errorf("ftp exporter: %w", err)
	}
	exp, err := exportTo(ctx, opts, acc)
	if err != nil {
		return nil, fmt.Errorf("ftp exporter: %w", err)
	}
	return exp, nil
}

func exportTo(ctx context.Context, opts *connectors.Options, acc account) (*Exporter, error) {
	workers := min(max(opts.MaxConcurrency, 1), maxConnections)
	exp := &Exporter{
		acc:     acc,
		workers: workers,
		pool:    newPool(workers, func(ctx context.Context, how command) (*conn, error) { return connect(ctx, acc, how) }),
	}
	return exp, exp.pool.ping(ctx)
}

// Origin is the host, with the port if the location names one.
func (exp *Exporter) Origin() string { return exp.acc.origin }

// Type is "ftp".
func (exp *Exporter) Type() string { return "ftp" }

// Root is the path of the location.
func (exp *Exporter) Root() string { return exp.acc.root }

// Flags is 0: the folder is not on this machine.
func (exp *Exporter) Flags() location.Flags { return 0 }

// Ping asks whether the server still answers.
func (exp *Exporter) Ping(ctx context.Context) error {
	if err := exp.pool.ping(ctx); err != nil {
		return fmt.Errorf("ftp exporter: %w", err)
	}
	return nil
}

// Export writes what it is given and answers for each record. When ctx ends first, transfers end with it.
func (exp *Exporter) Export(
	ctx context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result,
) error {
	defer close(results)
	defer context.AfterFunc(ctx, exp.pool.abort)()
	r := &restore{Exporter: exp, ctx: ctx, results: results}
	if err := r.run(records); err != nil {
		return fmt.Errorf("ftp exporter: %w", err)
	}
	return nil
}

// Close ends all connections.
func (exp *Exporter) Close(context.Context) error {
	exp.pool.close()
	return nil
}
