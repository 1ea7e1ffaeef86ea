package sdk

import (
	"os"
	"testing"

	fsexporter "github.com/PlakarKorp/integrations/fs/exporter"
	fsimporter "github.com/PlakarKorp/integrations/fs/importer"
	fsstorage "github.com/PlakarKorp/integrations/fs/storage"
)

// pluginEnv makes the test's executable a plugin: its value is which.
const pluginEnv = "SDK_TEST_PLUGIN"

// plugins are the mains of plugins. The first three are plakar's builtins, converted without a change to them.
var plugins = map[string]func(){
	"fs importer": func() { RunImporter(fsimporter.NewFSImporter) },
	"fs exporter": func() { RunExporter(fsexporter.NewFSExporter) },
	"fs storage":  func() { RunStorage(fsstorage.NewStore) },
	"fs": func() {
		Main(Connectors{
			Importer: ImporterFrom(fsimporter.NewFSImporter),
			Exporter: ExporterFrom(fsexporter.NewFSExporter),
			Storage:  StorageFrom(fsstorage.NewStore),
		})
	},
	"newer kinds": func() {
		Main(Connectors{SecretProvider: SecretProviderFrom(newVault), Inventory: InventoryFrom(newShelf)})
	},
}

func TestMain(m *testing.M) {
	if main, ok := plugins[os.Getenv(pluginEnv)]; ok {
		main()
	}
	os.Exit(m.Run())
}
