package sdk

import (
	"context"

	"github.com/PlakarKorp/kloset/connectors"
)

// Exporter writes a destination. It is kloset's exporter.Exporter, method for method.
type Exporter interface {
	// Origin names where the data goes, such as a host name.
	Origin() string
	// Type names the kind of destination, usually the protocol.
	Type() string
	// Root is the path restored below, absolute and with slashes.
	Root() string
	// Flags are those of the manifest's location_flags.
	Flags() Flags
	// Ping reports whether the destination can be reached.
	Ping(context.Context) error
	// Export takes records until the channel is closed, parents before what is in them, and sends a result for each of
	// them, in any order. It may close results. A record without a result counts as failed.
	Export(ctx context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error
	// Close is called once, last.
	Close(context.Context) error
}

// ExporterFn constructs an exporter. plakar calls it once in a process, when a restore begins; what goes in and what may come
// out is as for an [ImporterFn].
type ExporterFn func(ctx context.Context, opts *Options, proto string, config map[string]string) (Exporter, error)

// ExporterFrom makes an ExporterFn of a constructor that returns another type: kloset's exporter.Exporter, or one of its own.
func ExporterFrom[E Exporter](
	construct func(context.Context, *Options, string, map[string]string) (E, error),
) ExporterFn {
	return func(ctx context.Context, opts *Options, proto string, config map[string]string) (Exporter, error) {
		return some[Exporter](construct(ctx, opts, proto, config))
	}
}
