package conformance_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/PlakarKorp/kpkg/sdk/conformance"
)

// broken is the executable of testdata/broken.
var broken string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "conformance-")
	if err == nil {
		broken = filepath.Join(dir, "broken.exe")
		var out []byte
		if out, err = exec.Command("go", "build", "-o", broken, "./testdata/broken").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "building testdata/broken:", err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// config is a connector of testdata/broken.
func config(connectorType, fault string) conformance.Config {
	return conformance.Config{
		Type: connectorType, Protocol: "fis", Executable: broken, Args: []string{connectorType, fault},
		LocationFlags: []string{"localfs"},
	}
}

// TestBuiltins tests plakar's own connectors for local files, as plugins.
func TestBuiltins(t *testing.T) {
	for _, connectorType := range []string{conformance.Importer, conformance.Exporter, conformance.Storage} {
		t.Run(connectorType, func(t *testing.T) { conformance.Test(t, config(connectorType, "none")) })
	}
}
