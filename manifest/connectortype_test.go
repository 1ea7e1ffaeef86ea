package manifest

import (
	"testing"

	_ "github.com/PlakarKorp/integrations/fs/exporter"
	_ "github.com/PlakarKorp/integrations/fs/importer"
	_ "github.com/PlakarKorp/integrations/fs/storage"
	_ "github.com/PlakarKorp/integrations/http/storage"
	_ "github.com/PlakarKorp/integrations/ptar/storage"
	_ "github.com/PlakarKorp/integrations/stdio/exporter"
	_ "github.com/PlakarKorp/integrations/stdio/importer"
	_ "github.com/PlakarKorp/integrations/tar/importer"
	"github.com/PlakarKorp/kloset/connectors/exporter"
	"github.com/PlakarKorp/kloset/connectors/importer"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/google/go-cmp/cmp"
)

// TestBuiltins compares the table with what registers itself when the modules are linked that plakar v1.1.4 links.
func TestBuiltins(t *testing.T) {
	registered := map[string][]string{
		"importer": importer.Backends(),
		"exporter": exporter.Backends(),
		"storage":  storage.Backends(),
	}
	if diff := cmp.Diff(registered, builtins); diff != "" {
		t.Error(diff)
	}
}
