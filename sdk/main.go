package sdk

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Connectors are what one executable serves. Kloset's constructors are wrapped with [ImporterFrom], [ExporterFrom] and
// [StorageFrom].
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
// Several connectors in one executable make a package a third of the size. Main does not return: see [RunImporter].
func Main(connectors Connectors) {
	var names []string
	services := make(map[string]func(*guard) service)
	if connectors.Importer != nil {
		names = append(names, "importer")
		services["importer"] = newImporting(connectors.Importer)
	}
	if connectors.Exporter != nil {
		names = append(names, "exporter")
		services["exporter"] = newExporting(connectors.Exporter)
	}
	if connectors.Storage != nil {
		names = append(names, "storage")
		services["storage"] = newStoring(connectors.Storage)
	}
	if len(os.Args) == 2 && services[os.Args[1]] != nil {
		run(os.Args[1], services[os.Args[1]])
	}
	if len(os.Args) == 1 {
		explain(strings.Join(names, ", "))
	}
	fmt.Fprintf(os.Stderr, "%s takes one argument, %s; check args in the manifest\n",
		filepath.Base(os.Args[0]), strings.Join(names, " or "))
	os.Exit(exitUsage)
}
