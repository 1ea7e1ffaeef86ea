// Command s3 is all three S3 connectors in one executable.
package main

import (
	"github.com/PlakarKorp/kpkg/examples/s3/connector"
	"github.com/PlakarKorp/kpkg/sdk"
)

func main() {
	sdk.Main(sdk.Connectors{
		Importer: sdk.ImporterFrom(connector.NewImporter),
		Exporter: sdk.ExporterFrom(connector.NewExporter),
		Storage:  sdk.StorageFrom(connector.NewStorage),
	})
}
