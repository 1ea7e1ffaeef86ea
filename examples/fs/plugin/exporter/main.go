// Command fsExporter is plakar's own file system exporter as a plugin.
package main

import (
	"github.com/PlakarKorp/integrations/fs/exporter"

	"github.com/PlakarKorp/kpkg/sdk"
)

func main() {
	sdk.RunExporter(exporter.NewFSExporter)
}
