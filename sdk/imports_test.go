package sdk

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestImports keeps plugins small, and the runtime fit to be copied: what it must not link is not even imported.
func TestImports(t *testing.T) {
	list := exec.Command("go", "list", "-deps", ".")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%s: %v", list, err)
	}
	deps := strings.Fields(string(out))
	for _, heavy := range []string{
		"google.golang.org/grpc",
		"google.golang.org/protobuf/proto",
		"net/http",
		"golang.org/x/net/http2",
		"github.com/PlakarKorp/integration-grpc",
		"github.com/PlakarKorp/kloset/connectors/importer",
		"github.com/PlakarKorp/kloset/connectors/exporter",
		"github.com/PlakarKorp/kloset/connectors/storage",
		"github.com/PlakarKorp/kloset/kcontext",
	} {
		if slices.Contains(deps, heavy) {
			t.Errorf("%s is imported", heavy)
		}
	}
	const module = "github.com/PlakarKorp/kpkg/"
	for _, dep := range deps {
		if strings.HasPrefix(dep, module) && !strings.HasPrefix(dep, module+"sdk") {
			t.Errorf("%s is imported, which is not part of the SDK", dep)
		}
	}
}

// TestSize keeps plugins small by what counts in the end: a minimal importer as packages hold it.
func TestSize(t *testing.T) {
	const most = 3_300_000 // bytes, on linux/amd64 with go1.26; docs/benchmarks.md has the usual size
	program := filepath.Join(t.TempDir(), "light")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "./internal/minimal/light")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > most {
		t.Errorf("a minimal importer has %d bytes, more than %d: what does it link that it did not before?", info.Size(), most)
	}
}
