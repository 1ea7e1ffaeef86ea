// Command disksInventory serves the inventory of local disks to plakar.
package main

import (
	"github.com/PlakarKorp/kpkg/examples/disks/inventory"
	"github.com/PlakarKorp/kpkg/sdk"
)

func main() { sdk.RunInventory(inventory.New) }
