package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/importer"
	"github.com/PlakarKorp/kloset/location"
	"github.com/PlakarKorp/kloset/objects"
)

func brokenImporter(fault string, construct importer.ImporterFn) importer.ImporterFn {
	return func(
		ctx context.Context, opts *connectors.Options, proto string, config map[string]string,
	) (importer.Importer, error) {
		if err := initFault(fault, opts, config); err != nil {
			return nil, err
		}
		if fault == "finds nothing where nothing is" {
			if _, err := os.Stat(config["location"][len(proto+"://"):]); err != nil {
				return &faultyImporter{fault: "is empty"}, nil
			}
		}
		if fault == "always sends attributes" {
			opts.NoXattr = false
		}
		imp, err := construct(ctx, opts, proto, config)
		return &faultyImporter{Importer: imp, fault: fault, victim: config["victim"]}, err
	}
}

// faultyImporter changes what an importer sends.
type faultyImporter struct {
	importer.Importer
	fault   string
	imports int
	open    atomic.Int32 // readers
	opened  atomic.Bool  // whether there was any
	leak    leak
	usedUp  atomic.Bool
	refused atomic.Bool // whether the host acknowledged with an error of its own
	sent    int         // records
	victim  string      // a file outside of the source
}

func (f *faultyImporter) Type() string {
	if f.fault == "has no type" {
		return ""
	}
	return "fs"
}

func (f *faultyImporter) Root() string {
	if f.Importer == nil {
		return "/"
	}
	return f.Importer.Root()
}

func (f *faultyImporter) Origin() string { return "here" }

func (f *faultyImporter) Flags() location.Flags {
	if f.fault == "is a file" {
		return location.FLAG_LOCALFS | location.FLAG_FILE
	}
	if f.fault == "stops for errors" {
		return location.FLAG_LOCALFS | location.FLAG_NEEDACK
	}
	return location.FLAG_LOCALFS
}

func (f *faultyImporter) Ping(context.Context) error {
	if f.fault == "does not answer pings" {
		return errors.New("ping is not implemented")
	}
	return nil
}

func (f *faultyImporter) Close(context.Context) error {
	if f.fault == "fails to close" {
		return errors.New("cannot close")
	}
	return nil
}

func (f *faultyImporter) Import(
	ctx context.Context, records chan<- *connectors.Record, results <-chan *connectors.Result,
) error {
	f.imports++
	if f.fault == "is used up when cancelled" {
		defer context.AfterFunc(ctx, func() { f.usedUp.Store(true) })()
		time.Sleep(300 * time.Millisecond) // the cancellation of the import before may be on its way
		if f.usedUp.Load() {
			return errors.New("the connection is used up")
		}
	}
	if f.fault == "is empty" {
		close(records)
		return nil
	}
	f.leak.grow(f.fault)
	markWork(f.fault)
	honest := make(chan *connectors.Record)
	ended := make(chan error, 1)
	go func() { ended <- f.Importer.Import(ctx, honest, nil) }()
	heeded := make(chan struct{})
	go func() {
		defer close(heeded)
		if f.fault == "stops for errors" {
			f.heed(results)
		}
	}()
	for r := range honest {
		if f.fault == "fails for bad names" && !utf8.ValidString(r.Pathname) {
			close(records)
			return errors.New("a name is not UTF-8")
		}
		for _, changed := range f.change(r) {
			records <- changed
		}
	}
	close(records)
	for tries := 0; f.fault == "wants to be read" && !f.opened.Load() && ctx.Err() == nil; tries++ {
		if tries == 100 {
			return errors.New("nothing was read")
		}
		time.Sleep(10 * time.Millisecond)
	}
	select {
	case <-heeded:
	case <-time.After(time.Second): // an acknowledgement that never comes is another fault
	}
	if f.fault == "is used up when cancelled" {
		select { // the cancellation may be on its way
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	if f.refused.Load() {
		return errors.New("the host could not store something")
	}
	if f.fault == "fails at the end" {
		return errors.New("the connection was lost")
	}
	return <-ended
}

// heed takes the acknowledgements.
func (f *faultyImporter) heed(results <-chan *connectors.Result) {
	for r := range results {
		if r.Err != nil && strings.Contains(r.Err.Error(), "could not store") {
			f.refused.Store(true)
		}
	}
}

// change is what is sent in the place of a record.
func (f *faultyImporter) change(r *connectors.Record) []*connectors.Record {
	name := path.Base(r.Pathname)
	extra := func(pathname string) []*connectors.Record {
		if name != "plain.txt" || r.IsXattr {
			return []*connectors.Record{r}
		}
		info := objects.FileInfo{Lname: path.Base(pathname), Lmode: 0o644}
		return []*connectors.Record{r, connectors.NewRecord(pathname, "", info, nil, func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(nil)), nil
		})}
	}
	switch f.fault {
	case "does not announce attributes":
		r.ExtendedAttributes = nil
	case "knows no large folders":
		if f.sent++; f.sent > 1000 {
			return nil
		}
	case "knows no long paths":
		if len(r.Pathname) > 1024 {
			return nil
		}
	case "cuts large attributes":
		if r.IsXattr {
			r.Reader = struct {
				io.Reader
				io.Closer
			}{io.LimitReader(r.Reader, 1000), r.Reader}
		}
	case "sends an entry twice":
		if name == "empty" {
			return []*connectors.Record{r, r}
		}
	case "sends relative paths":
		return extra("relative")
	case "sends a victim":
		r.Pathname = f.victim
	case "sends what is elsewhere":
		return extra("/elsewhere")
	case "sends modes of Unix":
		if name == "plain.txt" {
			r.FileInfo.Lmode = 0x644
		}
	case "brings no folders":
		if r.FileInfo.Lmode.IsDir() {
			return nil
		}
	case "cannot read odd names":
		if strings.Contains(name, "%") {
			return []*connectors.Record{connectors.NewError(r.Pathname, errors.New("the name makes no sense"))}
		}
	case "knows no sizes":
		r.FileInfo.Lsize = 0
	case "has the time in it":
		if r.FileInfo.Lmode.IsRegular() {
			r.Reader = io.NopCloser(strings.NewReader(time.Now().Format(time.RFC3339Nano)))
			r.FileInfo.Lsize = 0
			return []*connectors.Record{r}
		}
	case "forgets a folder":
		if name == "names" {
			return nil
		}
	case "forgets a file":
		if name == "100" {
			return nil
		}
	case "differs each time":
		r.FileInfo.Lmode ^= fs.FileMode(f.imports)
	case "forgets times":
		r.FileInfo.LmodTime = r.FileInfo.LmodTime.AddDate(1, 0, 0)
	case "forgets link targets":
		if name == "dangling" {
			r.Target = "elsewhere"
		}
	}
	if r.FileInfo.Lmode.IsRegular() {
		r.Reader = &faultyReader{ReadCloser: r.Reader, f: f, name: name, size: r.FileInfo.Lsize}
	}
	return []*connectors.Record{r}
}

// faultyReader changes what is read.
type faultyReader struct {
	io.ReadCloser
	f      *faultyImporter
	name   string
	size   int64
	offset int64
	opened bool
}

func (r *faultyReader) Read(p []byte) (int, error) {
	if !r.opened {
		r.opened = true
		r.f.opened.Store(true)
		if r.f.open.Add(1) > 6 && r.f.fault == "knows six readers" {
			return 0, errors.New("too many files are being read")
		}
	}
	if r.f.fault == "cuts files short" && r.name == "4096" && r.offset == 0 {
		p = p[:min(len(p), 1000)]
		defer func() { r.ReadCloser = io.NopCloser(bytes.NewReader(nil)) }()
	}
	n, err := r.ReadCloser.Read(p)
	if r.f.fault == "changes a byte" && r.name == "4096" && r.offset == 0 && n > 0 {
		p[0] ^= 1
	}
	if r.f.fault == "reads vanished files as empty" && os.IsNotExist(err) {
		err = io.EOF
	}
	if r.f.fault == "cannot read large files" && r.offset > 1<<20 {
		err = errors.New("too large")
	}
	r.offset += int64(n)
	return n, err
}

func (r *faultyReader) Close() error {
	if r.opened {
		r.f.open.Add(-1)
	}
	if r.f.fault == "dies of abandoned files" && r.offset > 0 && r.offset < r.size {
		os.Exit(1)
	}
	return r.ReadCloser.Close()
}
