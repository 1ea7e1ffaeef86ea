package scaffold

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"github.com/PlakarKorp/kpkg/manifest"
)

// nameRules are the manifest's rules that a name can break, as the package's, as the protocol's and as the executable's.
var nameRules = []string{"name", "name-case", "protocols", "protocol-form", "protocol-builtin", "path", "package-path"}

// reserved are the folders of a new integration, beside which the executable is built.
var reserved = []string{"assets", "connector", "dist", "plugin", "schemas", "sdk"}

// checkName holds a name to the manifest's rules on what is called by it.
func checkName(name string) error {
	probe := fmt.Sprintf("name: %q\nconnectors:\n", name)
	for _, t := range Types {
		probe += fmt.Sprintf("- {type: %s, protocols: [%q], executable: %[2]q}\n", t, name)
	}
	doc := manifest.Read(manifest.FileName, []byte(probe+"build: {platforms: [windows/amd64]}\n"))
	findings, err := doc.Check(context.Background(), manifest.CheckOptions{})
	if err != nil {
		return err
	}
	for _, f := range append(findings, doc.NameFindings(nil)...) {
		if !slices.Contains(nameRules, f.Rule) && !strings.HasPrefix(f.Rule, "yaml-") {
			continue
		}
		hint := f.Hint
		if f.Rule == "protocol-builtin" {
			hint = fmt.Sprintf("take another name, such as %s-files", name)
		}
		if hint != "" {
			hint = ": " + hint
		}
		return refused("the integration cannot be called %q: %s%s", name, f.Message, hint)
	}
	if slices.Contains(reserved, name) {
		return refused("the integration cannot be called %q: its executable would have the name of a folder beside it; take another name", name)
	}
	return nil
}

func checkModule(name string) error {
	if err := module.CheckPath(name); err != nil {
		return refused("%q is no path of a Go module: write one as in github.com/NAME/REPOSITORY", name)
	}
	return nil
}
