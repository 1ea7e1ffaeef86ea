package sdk

import (
	"context"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/location"
)

// Exporter writes a destination. It is kloset's exporter.Exporter, method for method.
type Exporter interface {
	// Origin names where the data goes, such as a host name.
	Origin() string
	// Type names the kind of destination, usually the protocol.
	Type() string
	// Root is the path restored below.
	Root() string
	Flags() location.Flags
	// Ping reports whether the destination can be reached.
	Ping(context.Context) error
	// Export takes records until the channel is closed, parents before what is in them, and sends a result for each of
	// them, in any order. It may close results. A record without a result counts as failed.
	Export(ctx context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error
	// Close is called once, last.
	Close(context.Context) error
}

// ExporterFn constructs an exporter. The context ends with the process, or when the host gives up during construction;
// proto is the protocol of config["location"].
type ExporterFn func(ctx context.Context, opts *connectors.Options, proto string, config map[string]string) (Exporter, error)

// ExporterFrom makes an ExporterFn of a constructor that returns another type, such as kloset's exporter.Exporter.
func ExporterFrom[E Exporter](
	construct func(context.Context, *connectors.Options, string, map[string]string) (E, error),
) ExporterFn {
	return func(ctx context.Context, opts *connectors.Options, proto string, config map[string]string) (Exporter, error) {
		return some[Exporter](construct(ctx, opts, proto, config))
	}
}
