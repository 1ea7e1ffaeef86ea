package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/conformance"
	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/release"
	"github.com/PlakarKorp/kpkg/remote"
)

// maxRead is how much of a manifest or a validator is read while a shell waits, in bytes.
const maxRead = 1 << 20

// named is what completion reads of a package or a source tree that stands on the command line.
type named struct {
	manifest manifest.Manifest
	// read reads a file that the manifest names.
	read func(name string) ([]byte, error)
}

// readNamed reads the manifest of the package, tree or manifest at path, and nothing from elsewhere: a shell does not wait for a
// network, nor take standard input away.
func readNamed(ctx context.Context, path string) (named, error) {
	if remote.Is(path) {
		return named{}, errors.New("it is not on this machine")
	}
	name := manifest.FileName
	read := func(name string) ([]byte, error) {
		return regular.Read(filepath.Join(path, filepath.FromSlash(name)), maxRead)
	}
	switch {
	case !host.IsSource(path):
		pkg, err := ptarread.Open(ctx, path)
		if err != nil {
			return named{}, err
		}
		read = func(name string) ([]byte, error) { // the file is open until the program ends, which is soon
			content, err := pkg.OpenEntry(name)
			if err != nil {
				return nil, err
			}
			return io.ReadAll(io.LimitReader(content, maxRead))
		}
	case !isFolder(path):
		path, name = filepath.Dir(path), filepath.Base(path)
	}
	data, err := read(name)
	if err != nil {
		return named{}, err
	}
	return named{manifest.Read(name, data).Manifest, read}, nil
}

// settings are the keys that the validators of connectors know, with what they say of them. The connectors are those of a type
// and a protocol, of which "" stands for any.
func (n named) settings(connectorType, protocol string) map[string]string {
	found := map[string]string{}
	for _, c := range n.manifest.Connectors {
		if connectorType != "" && c.Type != connectorType || protocol != "" && !slices.Contains(c.Protocols, protocol) {
			continue
		}
		data, err := n.read(c.Validator)
		var schema struct {
			Properties map[string]struct{ Description string }
		}
		if err != nil || json.Unmarshal(data, &schema) != nil {
			continue
		}
		for key, property := range schema.Properties {
			description, _, _ := strings.Cut(property.Description, "\n")
			found[key] = description
		}
	}
	return found
}

// offerSettings are these keys as a shell offers them: a value follows, without a space.
func offerSettings(settings map[string]string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var offered []cobra.Completion
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		offered = append(offered, cobra.CompletionWithDesc(key+"=", settings[key]))
	}
	return offered, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeConnectors has the shell offer the connectors of the package or the tree that is named, or of the current folder.
func completeConnectors(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	n, err := readNamed(cmd.Context(), firstOr(args, "."))
	var offered []cobra.Completion
	for _, c := range n.manifest.Connectors {
		for _, protocol := range c.Protocols {
			offered = append(offered, c.Type+":"+protocol)
		}
	}
	if err != nil || len(offered) == 0 {
		for _, connectorType := range conformance.Types() {
			offered = append(offered, connectorType+":")
		}
		return offered, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	return offered, cobra.ShellCompDirectiveNoFileComp
}

// completeSettings has the shell offer the settings of the last connector that is named, or of all.
func (c *choice) completeSettings(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	n, err := readNamed(cmd.Context(), firstOr(args, "."))
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	connectorType, protocol := "", ""
	if last := len(c.Connectors) - 1; last >= 0 {
		connectorType, protocol = c.Connectors[last].Type, c.Connectors[last].Protocol
	}
	return offerSettings(n.settings(connectorType, protocol))
}

// completeTry has the shell offer what try backup or try restore takes next: a package, a location that a connector of the type
// serves, the data file of a restore, settings.
func completeTry(connectorType string, order []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		switch {
		case len(args) == 0:
			return completeInputs(cmd, args, begun)
		case len(args) < len(order) && order[len(args)] == "FILE":
			return []cobra.Completion{"ptar"}, cobra.ShellCompDirectiveFilterFileExt
		}
		n, err := readNamed(cmd.Context(), args[0])
		if err != nil {
			return nil, cobra.ShellCompDirectiveDefault
		}
		if len(args) >= len(order) {
			protocol, _, _ := strings.Cut(args[1], ":")
			return offerSettings(n.settings(connectorType, protocol))
		}
		return offerProtocols(n, connectorType)
	}
}

// offerProtocols are those of connectors of a type, as locations begin.
func offerProtocols(n named, connectorType string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var offered []cobra.Completion
	for _, c := range n.manifest.Connectors {
		for _, protocol := range c.Protocols {
			if c.Type == connectorType {
				offered = append(offered, protocol+"://")
			}
		}
	}
	return offered, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeManifests has the shell offer manifests and recipes, and folders: other YAML is something else.
func completeManifests(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return offerFiles(begun, isManifest)
}

// completeInputs has the shell offer packages and manifests, and folders.
func completeInputs(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return offerFiles(begun, func(name string) bool { return filepath.Ext(name) == manifest.Extension || isManifest(name) })
}

// isManifest tells a manifest by what it says, whatever its name, and a recipe by its name.
func isManifest(name string) bool {
	if !slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(name)) {
		return false
	}
	data, err := regular.Read(name, maxRead)
	return err == nil && (release.IsRecipe(name) || len(manifest.Read(name, data).Manifest.Connectors) > 0)
}

// offerFiles are the files that are wanted, and the folders, of those that begin like this.
func offerFiles(begun string, wanted func(name string) bool) ([]cobra.Completion, cobra.ShellCompDirective) {
	dir, base := filepath.Split(begun)
	entries, err := os.ReadDir(firstOr([]string{dir}, "."))
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	directive := cobra.ShellCompDirectiveNoFileComp
	var offered []cobra.Completion
	for _, entry := range entries {
		name := dir + entry.Name()
		hidden := strings.HasPrefix(entry.Name(), ".") && !strings.HasPrefix(base, ".")
		switch {
		case !strings.HasPrefix(entry.Name(), base) || hidden:
		case isFolder(name):
			offered = append(offered, name+string(filepath.Separator))
			directive |= cobra.ShellCompDirectiveNoSpace // more of the path may follow
		case wanted(name):
			offered = append(offered, name)
		}
	}
	return offered, directive
}

func firstOr(args []string, other string) string {
	if len(args) > 0 && args[0] != "" {
		return args[0]
	}
	return other
}
