package sdk

import (
	"os/exec"
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
