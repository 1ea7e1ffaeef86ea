// Package exporter restores messages into an account on an IMAP server: folders become mailboxes, files messages with
// their flags and dates.
//
// It adds and never replaces: IMAP gives a message that is stored a number of its own, and a message that is there
// twice is better than one that is lost. It refuses files that are neither messages, with names that end in .eml, nor
// their keywords, symbolic links and devices, each with an error of its own.
package exporter

import (
	"context"
	"fmt"
	"path"
	"sync"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/exporter"
	"github.com/PlakarKorp/kloset/location"

	"github.com/PlakarKorp/kpkg/examples/imap/account"
)

// maxConnections bounds the connections to one account: servers allow ten or fifteen, and its owner needs some of them.
const maxConnections = 4

// Exporter is one account.
type Exporter struct {
	account account.Account
	workers int
	pool    *account.Pool
}

// NewExporter logs in to the server of config's location, so that a wrong host, name or password is known at once. See
// account.New for the configuration. ctx bounds the login alone; the exporter lives until Close.
func NewExporter(
	ctx context.Context, opts *connectors.Options, proto string, config map[string]string,
) (exporter.Exporter, error) {
	a, err := account.New(proto, config)
	if err != nil {
		return nil, fmt.Errorf("imap exporter: %w", err)
	}
	workers := min(max(opts.MaxConcurrency, 1), maxConnections)
	exp := &Exporter{account: a, workers: workers, pool: account.NewPool(a, workers)}
	if err := exp.Ping(ctx); err != nil {
		exp.pool.Close()
		return nil, err
	}
	return exp, nil
}

// Origin is the host, with the port if the location names one.
func (exp *Exporter) Origin() string { return exp.account.Origin }

// Type is "imap".
func (exp *Exporter) Type() string { return "imap" }

// Root is the folder of the location.
func (exp *Exporter) Root() string { return exp.account.Root }

// Flags is 0: the account is not on this machine.
func (exp *Exporter) Flags() location.Flags { return 0 }

// Ping asks whether the server still answers, and leaves no connection behind: a server may allow one, which others need.
func (exp *Exporter) Ping(ctx context.Context) error {
	if err := exp.pool.Do(ctx, func(c *account.Conn) error { return c.Noop().Wait() }); err != nil {
		return fmt.Errorf("imap exporter: %w", err)
	}
	exp.pool.Rest()
	return nil
}

// Export stores what it is given and answers for each record. Folders are made and keywords noted in the order in which
// they come, messages stored several at a time.
func (exp *Exporter) Export(
	ctx context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result,
) error {
	defer close(results)
	r := &restore{Exporter: exp, ctx: ctx}
	if err := r.listMailboxes(); err != nil {
		return fmt.Errorf("imap exporter: %w", err)
	}

	answer := func(result *connectors.Result) {
		select {
		case results <- result:
		case <-ctx.Done():
		}
	}
	var uploads sync.WaitGroup
	defer uploads.Wait()
	workers := make(chan struct{}, exp.workers)
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("imap exporter: %w", context.Cause(ctx))
		case record, more := <-records:
			if !more {
				return nil
			}
			_, isKeywords := account.MessageOf(record.Pathname)
			if record.FileInfo.IsDir() || record.Err != nil || record.IsXattr || isKeywords {
				answer(r.result(record))
				continue
			}
			workers <- struct{}{}
			uploads.Go(func() {
				defer func() { <-workers }()
				answer(r.result(record))
			})
		}
	}
}

// result restores a record and answers for it.
func (r *restore) result(record *connectors.Record) *connectors.Result {
	name := path.Join(r.account.Root, path.Clean("/"+record.Pathname))
	var err error
	switch {
	case record.Err != nil || record.IsXattr: // the backup told of the error; IMAP has no extended attributes
	case record.FileInfo.IsDir():
		err = r.folder(name, record.FileInfo.Mode())
	case record.FileInfo.Mode().IsRegular():
		if message, isKeywords := account.MessageOf(name); isKeywords {
			err = r.keep(message, record.Reader)
		} else {
			err = r.message(name, record)
		}
	default:
		err = fmt.Errorf("neither message nor folder but %v", record.FileInfo.Mode())
	}
	if err != nil {
		return record.Error(fmt.Errorf("restore %s: %w", name, err))
	}
	return record.Ok()
}

// Close ends all connections.
func (exp *Exporter) Close(context.Context) error {
	exp.pool.Close()
	return nil
}
