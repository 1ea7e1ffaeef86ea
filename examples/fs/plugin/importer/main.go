// Command fsImporter is plakar's own file system importer as a plugin.
package main

import (
	"github.com/PlakarKorp/integrations/fs/importer"

	"github.com/PlakarKorp/kpkg/sdk"
)

func main() {
	sdk.RunImporter(importer.NewFSImporter)
}
