package sdk

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Connectors are what one executable serves. A constructor that returns [Importer], [Exporter] or [Store] is named as it is; of
// any other, kloset's too, [ImporterFrom], [ExporterFrom], [StorageFrom] and [ScannerFrom] make what fits:
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
}

// Main serves the connector that the first argument names: "importer", "exporter" or "storage". In the manifest, the
// connectors name the same executable and differ in their args:
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
	var served []string
	if construct := connectors.Importer; construct != nil {
		served = append(served, "importer")
		if argument == "importer" {
			run("an importer", newImporterService(construct))
		}
	}
	if construct := connectors.Exporter; construct != nil {
		served = append(served, "exporter")
		if argument == "exporter" {
			run("an exporter", newExporterService(construct))
		}
	}
	if construct := connectors.Storage; construct != nil {
		served = append(served, "storage")
		if argument == "storage" {
			run("a storage", newStorageService(construct))
		}
	}
	choice := strings.Join(served, " or ")
	if len(os.Args) == 1 || argument == "-h" || argument == "--help" {
		explain(choice + ", by its first argument")
	} else {
		fmt.Fprintf(os.Stderr, "%s takes one argument, %s: check args in the manifest\n", filepath.Base(os.Args[0]), choice)
	}
	os.Exit(exitUsage)
}
