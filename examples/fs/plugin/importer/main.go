// Command fsImporter is plakar's own file system importer as a plugin, which refuses a setting that it would ignore.
package main

import (
	"github.com/PlakarKorp/integrations/fs/importer"

	"github.com/PlakarKorp/kpkg/examples/fs/strict"
	"github.com/PlakarKorp/kpkg/sdk"
)

func main() {
	sdk.RunImporter(strict.Importer(importer.NewFSImporter))
}
