// Package importer backs up an account on an IMAP server: its mailboxes as folders, its messages as files.
//
// It changes nothing on the server; messages that it reads do not become \Seen. A connection that drops is replaced and
// the backup goes on where it was, in the middle of a message if need be. What one message or mailbox lacks is an error
// record and never an incomplete backup that looks complete; only a server that is gone, and a list of mailboxes or a
// root that cannot be read, fail the import.
package importer

import (
	"context"
	"fmt"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/importer"
	"github.com/PlakarKorp/kloset/exclude"
	"github.com/PlakarKorp/kloset/location"

	"github.com/PlakarKorp/kpkg/examples/imap/account"
)

// maxConnections bounds the connections to one account, however many messages plakar reads at once. Servers allow ten
// or fifteen to an account, the account's owner needs some of them, and a backup starts two importers.
const maxConnections = 4

// Importer is one account.
type Importer struct {
	account  account.Account
	excludes *exclude.RuleSet
	pool     *account.Pool
}

// NewImporter logs in to the server of config's location, so that a wrong host, name or password is known at once. See
// account.New for the configuration. ctx bounds the login alone; the importer lives until Close.
func NewImporter(
	ctx context.Context, opts *connectors.Options, proto string, config map[string]string,
) (importer.Importer, error) {
	a, err := account.New(proto, config)
	if err != nil {
		return nil, fmt.Errorf("imap importer: %w", err)
	}
	excludes := exclude.NewRuleSet()
	if err := excludes.AddRulesFromArray(opts.Excludes); err != nil {
		return nil, fmt.Errorf("imap importer: exclude rules: %w", err)
	}
	imp := &Importer{
		account:  a,
		excludes: excludes,
		// One more than plakar's readers, for the walk.
		pool: account.NewPool(a, min(max(opts.MaxConcurrency, 1)+1, maxConnections)),
	}
	if err := imp.Ping(ctx); err != nil {
		imp.pool.Close()
		return nil, err
	}
	return imp, nil
}

// Origin is the host, with the port if the location names one.
func (imp *Importer) Origin() string { return imp.account.Origin }

// Type is "imap".
func (imp *Importer) Type() string { return "imap" }

// Root is the folder of the location.
func (imp *Importer) Root() string { return imp.account.Root }

// Flags is 0: the import can be repeated, and waits for no acknowledgement.
func (imp *Importer) Flags() location.Flags { return 0 }

// Ping asks whether the server still answers, and leaves no connection behind: a server may allow one, and plakar starts
// two importers.
func (imp *Importer) Ping(ctx context.Context) error {
	if err := imp.pool.Do(ctx, func(c *account.Conn) error { return c.Noop().Wait() }); err != nil {
		return fmt.Errorf("imap importer: %w", err)
	}
	imp.pool.Rest()
	return nil
}

// Import sends the account. When ctx ends first, the reading of messages ends with it.
func (imp *Importer) Import(ctx context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
	defer close(records)
	// Messages may still be read after Import has returned, and ctx may end with it.
	reading, cancel := context.WithCancelCause(context.Background())
	defer context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })()

	w := &walk{Importer: imp, ctx: ctx, reading: reading, records: records}
	err := w.run()
	imp.pool.Rest()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("imap importer: %w", err)
	}
	return nil
}

// Close ends all connections. Messages still being read fail.
func (imp *Importer) Close(context.Context) error {
	imp.pool.Close()
	return nil
}
