package main

import (
	"os"

	sdk "github.com/PlakarKorp/go-kloset-sdk"
	"github.com/PlakarKorp/integrations/fs/importer"
)

func main() { sdk.EntrypointImporter(os.Args, importer.NewFSImporter) }
