// Command broken is plakar's own connectors for local files, and a secret provider and an inventory of its own, with one fault: the first argument is the type of
// connector, the second the fault. "none" is the plugin without one. So is any name that is not a fault's, but for a
// storage that is quicker: see flat.go. What a process does wrong, command outer does around it.
package main

import (
	"os"

	"github.com/PlakarKorp/integrations/fs/exporter"
	"github.com/PlakarKorp/integrations/fs/importer"
	"github.com/PlakarKorp/integrations/fs/storage"

	"github.com/PlakarKorp/kpkg/sdk"
)

func main() {
	fault := os.Args[2]
	os.Args = os.Args[:2]
	sdk.Main(sdk.Connectors{
		Importer: sdk.ImporterFrom(brokenImporter(fault, importer.NewFSImporter)),
		Exporter: sdk.ExporterFrom(brokenExporter(fault, exporter.NewFSExporter)),
		Storage:  sdk.StorageFrom(brokenStorage(fault, storage.NewStore)),

		SecretProvider: sdk.SecretProviderFrom(brokenSecretProvider(fault)),
		Inventory:      sdk.InventoryFrom(brokenInventory(fault)),
	})
}
