package conformance

import (
	"os"
	"path"
	"slices"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/manifest"
)

// otherSDK is the module of the SDK whose faults are known.
const otherSDK = "github.com/PlakarKorp/go-kloset-sdk"

// itsFaults are the checks that fail for every connector on otherSDK v1.1, plakar's own among them, whatever its author does.
// interop's tests hold them to what it does.
var itsFaults = []string{
	"plugin-uninitialized", "plugin-empty-init", "plugin-minimal-init", "importer-bad-answers", "importer-no-xattr",
	"importer-bad-name", "exporter-large-record", "storage-bad-mac",
}

// sdk is what the build information of an executable says that it is built on.
type sdk struct {
	// name and version, as in "go-kloset-sdk v1.1.0"; "" if it is not known.
	name string
	// old is whether it speaks a protocol that plakar has left.
	old bool
}

// sdkOf looks into an executable. One that cannot be read, or that Go did not make, says nothing.
func sdkOf(file string) (found sdk) {
	f, err := os.Open(file)
	if err != nil {
		return sdk{}
	}
	defer f.Close()
	binary, err := executable.Inspect(f)
	if err != nil {
		return sdk{}
	}
	var modules []manifest.Module
	for _, m := range binary.PlakarModules() {
		modules = append(modules, manifest.Module{Executable: file, Path: m.Path, Version: m.Version})
		if m.Path == otherSDK {
			found.name = path.Base(otherSDK) + " " + m.Version
		}
	}
	if old, is := manifest.OldSDK(modules); is {
		return sdk{name: path.Base(old.Path) + " " + old.Version, old: true}
	}
	return found
}

// isAtFault tells whether what a check found is the SDK's and not the author's.
func (k sdk) isAtFault(id string) bool {
	return k.name != "" && !k.old && slices.Contains(itsFaults, id)
}
