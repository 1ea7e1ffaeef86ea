// Command old is a plugin on the SDK of plakar v1.0, whose protocol later clients do not speak: an importer of nothing.
package main

import (
	"context"
	"os"

	sdk "github.com/PlakarKorp/go-kloset-sdk"
	"github.com/PlakarKorp/kloset/snapshot/importer"
)

type nothing struct{}

func (nothing) Origin(context.Context) (string, error) { return "here", nil }
func (nothing) Type(context.Context) (string, error)   { return "nothing", nil }
func (nothing) Root(context.Context) (string, error)   { return "/", nil }
func (nothing) Close(context.Context) error            { return nil }

func (nothing) Scan(context.Context) (<-chan *importer.ScanResult, error) {
	found := make(chan *importer.ScanResult)
	close(found)
	return found, nil
}

func main() {
	sdk.EntrypointImporter(os.Args, func(
		context.Context, *importer.Options, string, map[string]string,
	) (importer.Importer, error) {
		return nothing{}, nil
	})
}
