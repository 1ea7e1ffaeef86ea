// Command imap is the IMAP importer and exporter as one plugin of plakar.
package main

import (
	"github.com/PlakarKorp/kpkg/examples/imap/exporter"
	"github.com/PlakarKorp/kpkg/examples/imap/importer"
	"github.com/PlakarKorp/kpkg/sdk"
)

func main() {
	sdk.Main(sdk.Connectors{
		Importer: sdk.ImporterFrom(importer.NewImporter),
		Exporter: sdk.ExporterFrom(exporter.NewExporter),
	})
}
