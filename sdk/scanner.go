package sdk

import (
	"cmp"
	"context"
	"io"
	"net/url"
	"path"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/objects"
)

// Scanner is an importer in its simplest shape: list what there is, read what is asked for. [ScannerFrom] makes an importer
// of its constructor. It may also have any of these methods, which all importers have:
//
//	Origin() string               // or it is the location's host, or else this machine's name
//	Type() string                 // or it is the location's protocol
//	Root() string                 // or it is "/"
//	Flags() sdk.Flags             // or there are none
//	Ping(context.Context) error   // or it succeeds
//	Close() error                 // or there is nothing to close
type Scanner interface {
	// Scan lists the source. The channel is closed after the last entry; entries that cannot be listed are sent as
	// NewScanError. An error is for a source that cannot be listed at all. Folders that are not sent, above what is, are added
	// with permissions 0755 and the latest time of what is in them.
	Scan() (<-chan *ScanResult, error)
	// NewReader opens a file that Scan has listed. It is called from several goroutines, and only for what the host
	// wants to read.
	NewReader(pathname string) (io.ReadCloser, error)
}

// ScanResult is an entry of the source, or the error in its place.
type ScanResult = connectors.Record

// NewScanRecord makes the entry of a file, folder or link: its path, absolute and clean with slashes, where a link leads (""
// for all else), what [NewFileInfo] makes, and the names of its extended attributes, if they are sent too. Its content comes
// from NewReader.
func NewScanRecord(pathname, target string, info objects.FileInfo, xattrs []string) *ScanResult {
	info.Lname = cmp.Or(info.Lname, path.Base(pathname))
	return &ScanResult{Pathname: pathname, Target: target, FileInfo: info, ExtendedAttributes: xattrs}
}

// NewScanXattr makes the entry of an extended attribute of that name, on the entry at pathname; kind is
// objects.AttributeExtended for all but Windows' alternate data streams. read opens its value.
func NewScanXattr(
	pathname, name string, kind objects.Attribute, read func() (io.ReadCloser, error),
) *ScanResult {
	return connectors.NewXattr(pathname, name, kind, read)
}

// NewScanError makes the entry of what could not be listed. The backup goes on and is reported as incomplete.
func NewScanError(pathname string, err error) *ScanResult { return connectors.NewError(pathname, err) }

// ScannerFrom makes an ImporterFn of a Scanner's constructor, which is called as an [ImporterFn] is:
//
//	sdk.RunImporter(sdk.ScannerFrom(ftp.NewScanner))
func ScannerFrom[S Scanner](
	construct func(ctx context.Context, opts *Options, proto string, config map[string]string) (S, error),
) ImporterFn {
	return func(ctx context.Context, opts *Options, proto string, config map[string]string) (Importer, error) {
		scanner, err := some[Scanner](construct(ctx, opts, proto, config))
		if err != nil {
			return nil, err
		}
		return scanning{scanner, hostOf(config["location"], opts), proto}, nil
	}
}

// hostOf is where a location is.
func hostOf(location string, opts *Options) string {
	if u, err := url.Parse(location); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return cmp.Or(opts.Hostname, "localhost")
}

// scanning is a Scanner as an Importer.
type scanning struct {
	Scanner
	host, proto string
}

func (s scanning) Origin() string {
	if scanner, ok := s.Scanner.(interface{ Origin() string }); ok {
		return scanner.Origin()
	}
	return s.host
}

func (s scanning) Type() string {
	if scanner, ok := s.Scanner.(interface{ Type() string }); ok {
		return scanner.Type()
	}
	return s.proto
}

func (s scanning) Root() string {
	if scanner, ok := s.Scanner.(interface{ Root() string }); ok {
		return scanner.Root()
	}
	return "/"
}

func (s scanning) Flags() Flags {
	if scanner, ok := s.Scanner.(interface{ Flags() Flags }); ok {
		return scanner.Flags()
	}
	return 0
}

func (s scanning) Ping(ctx context.Context) error {
	if scanner, ok := s.Scanner.(interface{ Ping(context.Context) error }); ok {
		return scanner.Ping(ctx)
	}
	return nil
}

func (s scanning) Close(context.Context) error {
	if scanner, ok := s.Scanner.(io.Closer); ok {
		return scanner.Close()
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
	folders := newParents(s.Root())
	send := func(r *connectors.Record) {
		select {
		case records <- r:
		case <-ctx.Done():
		}
	}
	for {
		select {
		case result, more := <-results:
			if !more {
				for _, folder := range folders.missing() {
					send(folder)
				}
				return ctx.Err()
			}
			if result != nil {
				folders.add(result)
				s.readLater(result)
			}
			send(result)
		case <-ctx.Done():
			go func() {
				for range results { // a scan knows of no context: it ends when it has listed everything
				}
			}()
			return ctx.Err()
		}
	}
}

// readLater gives a file its reader.
func (s scanning) readLater(r *connectors.Record) {
	if r.Reader == nil && r.Err == nil && r.FileInfo.Lmode.IsRegular() {
		path := r.Pathname
		r.Reader = connectors.NewLazyReader(func() (io.ReadCloser, error) { return s.NewReader(path) })
	}
}
