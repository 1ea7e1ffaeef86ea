// Command fsExporter is plakar's own file system exporter as a plugin, which replaces what is in the way.
package main

import (
	"github.com/PlakarKorp/integrations/fs/exporter"

	"github.com/PlakarKorp/kpkg/examples/fs/replacing"
	"github.com/PlakarKorp/kpkg/sdk"
)

func main() {
	sdk.RunExporter(replacing.Exporter(exporter.NewFSExporter))
}
