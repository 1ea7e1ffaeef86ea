// Command fs is all three of plakar's own file system connectors in one executable.
package main

import (
	"github.com/PlakarKorp/integrations/fs/exporter"
	"github.com/PlakarKorp/integrations/fs/importer"
	"github.com/PlakarKorp/integrations/fs/storage"

	"github.com/PlakarKorp/kpkg/examples/fs/replacing"
	"github.com/PlakarKorp/kpkg/examples/fs/strict"
	"github.com/PlakarKorp/kpkg/sdk"
)

func main() {
	sdk.Main(sdk.Connectors{
		Importer: sdk.ImporterFrom(strict.Importer(importer.NewFSImporter)),
		Exporter: sdk.ExporterFrom(replacing.Exporter(exporter.NewFSExporter)),
		Storage:  sdk.StorageFrom(storage.NewStore),
	})
}
