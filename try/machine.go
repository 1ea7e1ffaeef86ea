package try

import (
	"fmt"
	"os"
	"runtime"

	"github.com/PlakarKorp/kloset/connectors"
)

// workers is how many files are backed up at once, whatever the machine.
const workers = 4

// machine is what connectors get to know of where they run.
func machine() (*connectors.Options, error) {
	cwd, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("find the current folder: %w", err)
	}
	hostname, _ := os.Hostname()
	return &connectors.Options{
		Hostname: hostname, OperatingSystem: runtime.GOOS, Architecture: runtime.GOARCH, CWD: cwd, MaxConcurrency: workers,
	}, nil
}
