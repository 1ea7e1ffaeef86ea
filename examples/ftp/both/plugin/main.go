// Command ftp is the FTP importer and exporter as one plugin of plakar.
package main

import (
	"github.com/PlakarKorp/kpkg/examples/ftp/connector"
	"github.com/PlakarKorp/kpkg/sdk"
)

func main() {
	sdk.Main(sdk.Connectors{
		Importer: sdk.ImporterFrom(connector.NewImporter),
		Exporter: sdk.ExporterFrom(connector.NewExporter),
	})
}
