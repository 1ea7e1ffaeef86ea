// Command records is a plugin whose importer brings records by the thousand, and whose exporter takes them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"strings"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/location"
	"github.com/PlakarKorp/kloset/objects"

	"github.com/PlakarKorp/kpkg/sdk"
)

func main() {
	sdk.Main(sdk.Connectors{Importer: sdk.ImporterFrom(newImporter), Exporter: sdk.ExporterFrom(newExporter)})
}

type connector struct {
	kind string
	n    int
}

func (connector) Origin() string              { return "here" }
func (connector) Type() string                { return "records" }
func (connector) Root() string                { return "/" }
func (connector) Flags() location.Flags       { return 0 }
func (connector) Ping(context.Context) error  { return nil }
func (connector) Close(context.Context) error { return nil }

type importer struct{ connector }
type exporter struct{ connector }

// newImporter brings n records of a kind.
func newImporter(_ context.Context, _ *connectors.Options, _ string, config map[string]string) (*importer, error) {
	i := &importer{connector{kind: config["kind"]}}
	_, err := fmt.Sscan(config["n"], &i.n)
	return i, err
}

func newExporter(context.Context, *connectors.Options, string, map[string]string) (*exporter, error) {
	return &exporter{}, nil
}

func (i *importer) Import(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
	defer close(records)
	records <- record("/", fs.ModeDir|0o755, "")
	nested := ""
	for n := range i.n {
		switch i.kind {
		case "nested":
			nested += "/d"
			records <- record(nested, fs.ModeDir|0o755, "")
		case "errors":
			records <- connectors.NewError(fmt.Sprintf("/%d", n), errors.New(strings.Repeat("\x1b[2J", 2000)))
		case "files":
			records <- record(fmt.Sprintf("/%d", n), 0o644, fmt.Sprint(n))
		case "refused":
			records <- record("/"+strings.Repeat("n", 4000)+"/../"+fmt.Sprint(n), 0o644, "")
		case "large":
			records <- noise(n, largeSize)
		}
	}
	if i.kind == "one" {
		records <- noise(0, int64(i.n)*largeSize)
	}
	return nil
}

// largeSize is the size of a large file, 16 MiB.
const largeSize = 16 << 20

func noise(n int, size int64) *connectors.Record {
	r := record(fmt.Sprintf("/%d", n), 0o644, "")
	r.FileInfo.Lsize = size
	r.Reader = connectors.NewLazyReader(func() (io.ReadCloser, error) {
		return io.NopCloser(io.LimitReader(rand.NewChaCha8([32]byte{byte(n)}), size)), nil
	})
	return r
}

func record(name string, mode fs.FileMode, content string) *connectors.Record {
	info := objects.NewFileInfo(path.Base(name), int64(len(content)), mode, time.Unix(0, 0), 0, 0, 0, 0, 1)
	return connectors.NewRecord(name, "", info, nil, func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(content)), nil
	})
}

func (*exporter) Export(_ context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error {
	defer close(results)
	for r := range records {
		if r.FileInfo.Mode().IsRegular() {
			if _, err := io.Copy(io.Discard, r.Reader); err != nil {
				results <- r.Error(err)
				continue
			}
		}
		results <- r.Ok()
	}
	return nil
}
