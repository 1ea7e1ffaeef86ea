package sdk

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Connectors are what one executable serves. A constructor that returns this package's own type, as [Importer], is named as it
// is; of any other, kloset's too, [ImporterFrom], [ExporterFrom], [StorageFrom], [ScannerFrom], [SecretProviderFrom] and
// [InventoryFrom] make what fits:
//
//	sdk.Main(sdk.Connectors{
//		Importer: sdk.ScannerFrom(ftp.NewScanner),
//		Exporter: ftp.NewExporter,
//		Storage:  sdk.StorageFrom(ftp.NewStore),
//	})
type Connectors struct {
	Importer ImporterFn
	Exporter ExporterFn
	Storage  StoreFn
	// SecretProvider and Inventory are unstable, as their types are.
	SecretProvider SecretProviderFn
	Inventory      InventoryFn
}

// served is one of the connectors of an executable.
type served struct {
	argument, kind string
	newService     func(*guard) service
}

// all are the connectors that there are, in the order in which they are told.
func (c Connectors) all() []served {
	var all []served
	if c.Importer != nil {
		all = append(all, served{"importer", "an importer", newImporterService(c.Importer)})
	}
	if c.Exporter != nil {
		all = append(all, served{"exporter", "an exporter", newExporterService(c.Exporter)})
	}
	if c.Storage != nil {
		all = append(all, served{"storage", "a storage", newStorageService(c.Storage)})
	}
	if c.SecretProvider != nil {
		all = append(all, served{"secret_provider", "a secret provider", newSecretProviderService(c.SecretProvider)})
	}
	if c.Inventory != nil {
		all = append(all, served{"inventory", "an inventory", newInventoryService(c.Inventory)})
	}
	return all
}

// Main serves the connector that the first argument names by its type in the manifest: "importer", "exporter", "storage",
// "secret_provider" or "inventory". There, the connectors name the same executable and differ in their args:
//
//	connectors:
//	  - type: importer
//	    executable: ftp
//	    args: [importer]
//
// Several connectors in one executable make a smaller package: what they share is in it once. Main does not return:
// see [RunImporter].
func Main(connectors Connectors) {
	argument := ""
	if len(os.Args) == 2 {
		argument = os.Args[1]
	}
	var arguments []string
	for _, one := range connectors.all() {
		if argument == one.argument {
			run(one.kind, one.newService)
		}
		arguments = append(arguments, one.argument)
	}
	choice := strings.Join(arguments, " or ")
	if len(os.Args) == 1 || argument == "-h" || argument == "--help" {
		explain(choice + ", by its first argument")
	} else {
		fmt.Fprintf(os.Stderr, "%s takes one argument, %s: check args in the manifest\n", filepath.Base(os.Args[0]), choice)
	}
	os.Exit(exitUsage)
}
