package sdk_test

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/PlakarKorp/kpkg/sdk"
)

// words is a source of one file.
type words struct{ text string }

// newWords makes the source from what plakar was given: the location, and the options of the backup.
func newWords(_ context.Context, _ *sdk.Options, _ string, config map[string]string) (*words, error) {
	if config["text"] == "" {
		return nil, errors.New("there is no text: give one as text=...")
	}
	return &words{text: config["text"]}, nil
}

func (w *words) Scan() (<-chan *sdk.ScanResult, error) {
	results := make(chan *sdk.ScanResult, 1)
	results <- sdk.NewScanRecord("/words", "", sdk.NewFileInfo(sdk.FileInfo{Size: int64(len(w.text)), Mode: 0o644}), nil)
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

// The same constructor serves an executable of its own, and one of several connectors.
func ExampleRunExporter() {
	sdk.RunExporter(newExporter)
}

// An executable of several connectors names each. What returns the SDK's own types needs nothing around it.
func ExampleMain() {
	sdk.Main(sdk.Connectors{
		Importer: sdk.ScannerFrom(newWords),
		Exporter: newExporter,
	})
}

// newExporter is the constructor of an exporter, as RunExporter and Main both take it.
func newExporter(_ context.Context, _ *sdk.Options, _ string, config map[string]string) (sdk.Exporter, error) {
	return nil, errors.New("there is nothing to write at " + config["location"])
}
