package sdk

import (
	"context"

	"github.com/PlakarKorp/kloset/connectors"
)

// Importer reads a source. It is kloset's importer.Importer, method for method.
type Importer interface {
	// Origin names where the data comes from, such as a host name: "ftp.example.org". Snapshots show it.
	Origin() string
	// Type names the kind of source, usually the protocol: "ftp".
	Type() string
	// Root is the path all records are below, absolute and with slashes: "/pub" for ftp://host/pub.
	Root() string
	// Flags are those of the manifest's location_flags.
	Flags() Flags
	// Ping reports whether the source can be reached.
	Ping(context.Context) error
	// Import sends a record for every entry, closes records and returns. What it returns decides whether the backup is
	// complete. results acknowledges every record once it was dealt with; it is nil unless Flags has FLAG_NEEDACK, and
	// closed after the last acknowledgement.
	Import(ctx context.Context, records chan<- *connectors.Record, results <-chan *connectors.Result) error
	// Close is called once, last.
	Close(context.Context) error
}

// Options are what a host says of itself and of the backup: Hostname, OperatingSystem, Architecture, its folder CWD,
// MaxConcurrency (how many files it reads at once), Excludes (patterns of paths that the user does not want) and NoXattr (the
// user wants no extended attributes). Stdin, Stdout and Stderr are nil in a plugin.
type Options = connectors.Options

// ImporterFn constructs an importer. plakar calls it once in a process, when a backup begins.
//
//   - ctx ends when the importer is closed, when the host dies or gives up, and when the process is told to end.
//   - opts is what the host says of itself and of the backup; never nil.
//   - proto is the protocol of the location, as the manifest writes it: "ftp". It tells which, where a connector serves several.
//   - config["location"] is the location as the user gave it, protocol included: "ftp://host/folder". With the flag localfs it
//     is "PROTO:///ABSOLUTE/PATH", whatever was typed. It is never missing.
//   - config has the rest of the configuration, key=value as in plakar backup -o key=value, as text and with keys in lower case.
//     Only what the connector's validator (a JSON schema, see the manifest) allows gets here with clients that check it; check
//     what you depend on all the same.
//
// Return an error for what cannot be right, such as a key that is missing or a password that is refused: nothing has begun yet,
// and the user reads its text as it is, without the secrets in it. Do not return nil for both.
//
// A constructor that returns this package's Importer needs nothing around it in [RunImporter] and in [Connectors]:
//
//	func NewImporter(ctx context.Context, opts *sdk.Options, proto string, config map[string]string) (sdk.Importer, error)
type ImporterFn func(ctx context.Context, opts *Options, proto string, config map[string]string) (Importer, error)

// ImporterFrom makes an ImporterFn of a constructor that returns another type: kloset's importer.Importer, or one of its own.
func ImporterFrom[I Importer](
	construct func(context.Context, *Options, string, map[string]string) (I, error),
) ImporterFn {
	return func(ctx context.Context, opts *Options, proto string, config map[string]string) (Importer, error) {
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
