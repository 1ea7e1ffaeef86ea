// Command single is a plugin whose location is one file: a zip, which it imports and exports, or JSON Lines, which it
// imports. The first argument is the type of connector, the second a fault; "none" is the plugin without one.
package main

import (
	"os"

	"github.com/PlakarKorp/kpkg/sdk"
)

func main() {
	fault := os.Args[2]
	os.Args = os.Args[:2]
	sdk.Main(sdk.Connectors{Importer: newImporter(fault), Exporter: newExporter(fault)})
}
