// Light is the smallest plugin there is: an importer of one empty folder, against the types of package sdk. It is
// built to be measured.
package main

import (
	"context"
	"io/fs"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/location"
	"github.com/PlakarKorp/kloset/objects"

	"github.com/PlakarKorp/kpkg/sdk"
)

type empty struct{}

func (empty) Origin() string              { return "nowhere" }
func (empty) Type() string                { return "empty" }
func (empty) Root() string                { return "/" }
func (empty) Flags() location.Flags       { return 0 }
func (empty) Ping(context.Context) error  { return nil }
func (empty) Close(context.Context) error { return nil }

func (empty) Import(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
	defer close(records)
	records <- &connectors.Record{Pathname: "/", FileInfo: objects.FileInfo{Lname: "/", Lmode: fs.ModeDir | 0o755}}
	return nil
}

func main() {
	sdk.RunImporter(func(context.Context, *connectors.Options, string, map[string]string) (sdk.Importer, error) {
		return empty{}, nil
	})
}
