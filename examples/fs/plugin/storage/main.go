// Command fsStorage is plakar's own file system storage as a plugin.
package main

import (
	"github.com/PlakarKorp/integrations/fs/storage"

	"github.com/PlakarKorp/kpkg/sdk"
)

func main() {
	sdk.RunStorage(storage.NewStore)
}
