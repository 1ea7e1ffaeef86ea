// Package manifest reads the manifest.yaml of an integration, checks it, and names the packages made from it.
//
// It refuses to guess: what it cannot decode is a finding with a position, and a Manifest is only as good as the findings
// that came with it. It never runs anything of the integration's tree.
package manifest

// Manifest is the content of a manifest.yaml. The keys are those of the schema (schema/manifest.schema.json); keys that
// the schema does not know are reported by Check and lost here, as they are in plakar.
type Manifest struct {
	Name        string
	DisplayName string
	Description string
	Tier        string
	Contact     string
	Homepage    string
	License     string
	Tags        []string
	APIVersion  string
	// Version is a key of an older format that plakar ignores; kpkg takes the package's version from it when the command
	// line gives none.
	Version    string
	Connectors []Connector
	// Build is kpkg's own key; nil when the manifest has none. plakar ignores it.
	Build *Build
}

// Connector is one importer, exporter, storage, inventory or secret provider of an integration.
type Connector struct {
	Type     string
	Class    string
	Subclass string
	// Validator is the path, relative to the manifest, of the JSON schema of the connector's configuration.
	Validator     string
	Protocols     []string
	LocationFlags []string
	// Executable is the path, relative to the manifest, of the program that serves the connector; without ".exe".
	Executable string
	Args       []string
	// ExtraFiles are paths, relative to the manifest, of files packed beside the executable.
	ExtraFiles []string
	ImageID    string
	Image      string
}

// Build holds how kpkg builds the executables (key "build").
type Build struct {
	// Platforms are "os/arch" pairs that "--platform all" means for this integration.
	Platforms []string
	// Packages maps an executable's name to the directory of its main package, "./dir" relative to the manifest.
	Packages map[string]string
	LDFlags  string
	Tags     []string
	Env      map[string]string
	// Ignore are rules of findings that Silence leaves out.
	Ignore []string
}
