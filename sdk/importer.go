package sdk

import (
	"context"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/location"
)

// Importer reads a source. It is kloset's importer.Importer, method for method.
type Importer interface {
	// Origin names where the data comes from, such as a host name.
	Origin() string
	// Type names the kind of source, usually the protocol.
	Type() string
	// Root is the path all records are below, absolute and with slashes.
	Root() string
	Flags() location.Flags
	// Ping reports whether the source can be reached.
	Ping(context.Context) error
	// Import sends a record for every entry, closes records and returns. What it returns decides whether the backup is
	// complete. results acknowledges every record once it was dealt with; it is nil unless Flags has FLAG_NEEDACK, and
	// closed after the last acknowledgement.
	Import(ctx context.Context, records chan<- *connectors.Record, results <-chan *connectors.Result) error
	// Close is called once, last.
	Close(context.Context) error
}

// ImporterFn constructs an importer. The context ends with the process, or when the host gives up during construction;
// proto is the protocol of config["location"].
type ImporterFn func(ctx context.Context, opts *connectors.Options, proto string, config map[string]string) (Importer, error)

// ImporterFrom makes an ImporterFn of a constructor that returns another type, such as kloset's importer.Importer.
func ImporterFrom[I Importer](
	construct func(context.Context, *connectors.Options, string, map[string]string) (I, error),
) ImporterFn {
	return func(ctx context.Context, opts *connectors.Options, proto string, config map[string]string) (Importer, error) {
		return some[Importer](construct(ctx, opts, proto, config))
	}
}

// some turns a constructor's result into the interface C, and a nil among it into an error.
func some[C, T any](constructed T, err error) (C, error) {
	connector, ok := any(constructed).(C)
	if err == nil && !ok {
		err = errNothingConstructed
	}
	return connector, err
}
