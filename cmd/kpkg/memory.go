package main

import (
	"os"
	"runtime/debug"
)

// softMemory is from where on the collector works harder instead of letting the heap grow to twice what is in use: 144 MiB. A
// backup has some 110 MiB in use, most of it buffers that kloset cuts files with, and nothing else has more. What is beside the
// heap, the program itself and SQLite's pages, takes up to 60 MiB, and all of it stays below the 256 MiB that docs/limits.md
// promises.
const softMemory = 144 << 20

// boundMemory sets the limit, unless the user has set another.
func boundMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
}

// installMemory is the same for what installs: some 20 MiB are in use, whatever the size of the package. With the program itself that
// stays below 64 MiB.
const installMemory = 26 << 20

// boundInstall sets the limit for a command that installs.
func boundInstall() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(installMemory)
	}
}
