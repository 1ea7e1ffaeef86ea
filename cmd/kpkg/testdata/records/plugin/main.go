// Command records is a plugin whose importer brings records by the thousand, and whose exporter takes them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
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
	told string // all that it was told
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
	if strings.HasPrefix(config["location"], "http:") && !strings.Contains(config["location"], "@") {
		return nil, errors.New("the location came without its password")
	}
	i := &importer{connector{kind: config["kind"], told: told(config)}}
	if i.kind == "tells at once" {
		return nil, tell(i.told)
	}
	_, err := fmt.Sscan(config["n"], &i.n)
	return i, err
}

func newExporter(_ context.Context, _ *connectors.Options, _ string, config map[string]string) (*exporter, error) {
	e := &exporter{connector{kind: config["kind"], told: told(config)}}
	if e.kind == "tells at once" {
		return nil, tell(e.told)
	}
	return e, nil
}

func told(config map[string]string) string {
	unescaped, _ := url.QueryUnescape(config["location"])
	return fmt.Sprintf("%s %q %v", config["location"], unescaped, config)
}

// tell says in all ways that there are what nobody should hear.
func tell(secret string) error {
	fmt.Fprintln(os.Stderr, "here it is:", secret)
	fmt.Fprint(os.Stderr, "here it is without an end of line: ", secret)
	return errors.New("here it is: " + secret)
}

func (i *importer) Import(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
	defer close(records)
	records <- record("/", fs.ModeDir|0o755, "")
	if i.kind == "tells later" {
		return tell(i.told)
	}
	nested := ""
	for n := range i.n {
		switch i.kind {
		case "nested":
			nested += "/d"
			records <- record(nested, fs.ModeDir|0o755, "")
		case "errors":
			records <- connectors.NewError(fmt.Sprintf("/%d", n), errors.New(strings.Repeat("\x1b[2J", 2000)))
		case "tells in records":
			records <- connectors.NewError(fmt.Sprintf("/%d", n), tell(i.told))
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

func (e *exporter) Export(_ context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error {
	defer close(results)
	for r := range records {
		if e.kind == "tells in records" {
			results <- r.Error(tell(e.told))
			continue
		}
		if r.FileInfo.Mode().IsRegular() {
			if _, err := io.Copy(io.Discard, r.Reader); err != nil {
				results <- r.Error(err)
				continue
			}
		}
		results <- r.Ok()
	}
	if e.kind == "tells later" {
		return tell(e.told)
	}
	return nil
}
