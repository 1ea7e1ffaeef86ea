package sdk_test

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/objects"

	"github.com/PlakarKorp/kpkg/sdk"
)

// words is a source of one file.
type words struct{ text string }

// newWords makes the source from what plakar was given: the location, and the options of the backup.
func newWords(_ context.Context, _ *connectors.Options, _ string, config map[string]string) (*words, error) {
	return &words{text: config["text"]}, nil
}

func (w *words) Origin() string { return "words" }
func (w *words) Type() string   { return "words" }
func (w *words) Root() string   { return "/" }
func (w *words) Close() error   { return nil }

func (w *words) Scan() (<-chan *sdk.ScanResult, error) {
	results := make(chan *sdk.ScanResult, 2)
	results <- sdk.NewScanRecord("/", "", objects.NewFileInfo("/", 0, 0o755|1<<31, time.Unix(0, 0), 0, 0, 0, 0, 1), nil)
	results <- sdk.NewScanRecord("/words", "",
		objects.NewFileInfo("words", int64(len(w.text)), 0o644, time.Unix(0, 0), 0, 0, 0, 0, 1), nil)
	close(results)
	return results, nil
}

func (w *words) NewReader(string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(w.text)), nil
}

// The main of a plugin is one call. It serves plakar until plakar closes the plugin's standard input.
func ExampleScannerFrom() {
	sdk.RunImporter(sdk.ScannerFrom(newWords))
}
