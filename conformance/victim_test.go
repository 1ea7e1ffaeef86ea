package conformance_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/PlakarKorp/kpkg/conformance"
)

// TestVictim removes no file but the suite's own, whatever paths a plugin sends.
func TestVictim(t *testing.T) {
	c := config(conformance.Importer, "sends a victim")
	c.Settings = map[string]string{"victim": filepath.Join(t.TempDir(), "file")}
	c.Only = []string{"importer-vanished"}
	if err := os.WriteFile(c.Settings["victim"], []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := conformance.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(c.Settings["victim"]); err != nil {
		t.Error(err)
	}
}
