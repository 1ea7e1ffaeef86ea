package sdk

import (
	"context"
	"io"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/location"
	"github.com/PlakarKorp/kloset/objects"
)

// Scanner is an importer in its simplest shape: list what there is, read what is asked for, close. Serve one with
//
//	sdk.RunImporter(sdk.ScannerFrom(ftp.NewScanner))
//
// It may also have the Ping and Flags of an [Importer].
type Scanner interface {
	// Origin, Type and Root are an importer's.
	Origin() string
	Type() string
	Root() string
	// Scan lists the source. The channel is closed after the last entry; entries that cannot be listed are sent as
	// NewScanError. An error is for a source that cannot be listed at all.
	Scan() (<-chan *ScanResult, error)
	// NewReader opens a file that Scan has listed. It is called from several goroutines, and only for what the host
	// wants to read.
	NewReader(pathname string) (io.ReadCloser, error)
	Close() error
}

// ScanResult is an entry of the source, or the error in its place.
type ScanResult = connectors.Record

// NewScanRecord makes the entry of a file, folder or link. Its content comes from NewReader.
func NewScanRecord(pathname, target string, info objects.FileInfo, xattrs []string) *ScanResult {
	return &ScanResult{Pathname: pathname, Target: target, FileInfo: info, ExtendedAttributes: xattrs}
}

// NewScanXattr makes the entry of an extended attribute.
func NewScanXattr(
	pathname, name string, kind objects.Attribute, read func() (io.ReadCloser, error),
) *ScanResult {
	return connectors.NewXattr(pathname, name, kind, read)
}

// NewScanError makes the entry of what could not be listed.
func NewScanError(pathname string, err error) *ScanResult { return connectors.NewError(pathname, err) }

// ScannerFrom makes an ImporterFn of a Scanner's constructor.
func ScannerFrom[S Scanner](
	construct func(context.Context, *connectors.Options, string, map[string]string) (S, error),
) ImporterFn {
	return func(ctx context.Context, opts *connectors.Options, proto string, config map[string]string) (Importer, error) {
		scanner, err := some[Scanner](construct(ctx, opts, proto, config))
		if err != nil {
			return nil, err
		}
		return scanning{scanner}, nil
	}
}

// scanning is a Scanner as an Importer.
type scanning struct{ Scanner }

func (s scanning) Close(context.Context) error { return s.Scanner.Close() }

func (s scanning) Flags() location.Flags {
	if flagged, ok := s.Scanner.(interface{ Flags() location.Flags }); ok {
		return flagged.Flags()
	}
	return 0
}

func (s scanning) Ping(ctx context.Context) error {
	if pinged, ok := s.Scanner.(interface{ Ping(context.Context) error }); ok {
		return pinged.Ping(ctx)
	}
	return nil
}

func (s scanning) Import(
	ctx context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result,
) error {
	defer close(records)
	results, err := s.Scan()
	if err != nil {
		return err
	}
	for {
		select {
		case result, more := <-results:
			if !more {
				return nil
			}
			if result != nil && result.Reader == nil && result.Err == nil && result.FileInfo.Lmode.IsRegular() {
				path := result.Pathname
				result.Reader = connectors.NewLazyReader(func() (io.ReadCloser, error) { return s.NewReader(path) })
			}
			select {
			case records <- result:
			case <-ctx.Done():
			}
		case <-ctx.Done():
			go func() {
				for range results { // a scan knows of no context: it ends when it has listed everything
				}
			}()
			return ctx.Err()
		}
	}
}
