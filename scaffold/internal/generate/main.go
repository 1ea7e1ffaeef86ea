// Command generate writes sdk.txtar, the SDK as kpkg init copies it: every file that a plugin is built of on any system, and
// the license. It is run in the folder of package scaffold, by go generate.
package main

import (
	"fmt"
	"os"

	"github.com/PlakarKorp/kpkg/scaffold/internal/sdkarchive"
)

func main() {
	data, err := sdkarchive.Of("..")
	if err == nil {
		err = os.WriteFile("sdk.txtar", data, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
