package conformance

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/exporter"
	"github.com/PlakarKorp/kloset/connectors/importer"
)

var errUnreachable = errors.New("the plugin has died")

// These are the client's when the plugin has died: they fail at once, and close nothing.
type (
	unreachableImporter struct{ importer.Importer }
	unreachableExporter struct{ exporter.Exporter }
)

func (unreachableImporter) Import(context.Context, chan<- *connectors.Record, <-chan *connectors.Result) error {
	return errUnreachable
}

func (unreachableExporter) Export(context.Context, <-chan *connectors.Record, chan<- *connectors.Result) error {
	return errUnreachable
}

// TestUnreachable leaves nobody waiting for a plugin that has died: synctest looks for that.
func TestUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records := destination{}.records(startItems().file("/file", 0o644, nil))
		if _, err := export(t.Context(), unreachableExporter{}, records); !errors.Is(err, errUnreachable) {
			t.Errorf("export: %v", err)
		}
		nothing := func(*connectors.Record) error { return nil }
		if err := drive(t.Context(), unreachableImporter{}, 2, nothing); !errors.Is(err, errUnreachable) {
			t.Errorf("import: %v", err)
		}
	})
}
