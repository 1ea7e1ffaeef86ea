// Command ftpImporter is the FTP importer as a plugin of plakar.
package main

import (
	"github.com/PlakarKorp/kpkg/examples/ftp/connector"
	"github.com/PlakarKorp/kpkg/sdk"
)

func main() {
	sdk.RunImporter(connector.NewImporter)
}
