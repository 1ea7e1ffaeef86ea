package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/suggest"
)

// buildSettings reports what kpkg cannot use of its own key.
func (c *checker) buildSettings() {
	for _, v := range c.violations {
		if v.claimed || len(v.path) == 0 || v.path[0] != "build" {
			continue
		}
		v.claimed = true
		at, written := c.at(v.path...), c.text(v.path...)
		if v.ofKey {
			at, written = c.atKey(v.path...), fmt.Sprint(v.path[len(v.path)-1])
		}
		switch v.keyword {
		case "pattern":
			title, _ := v.schema["title"].(string)
			c.error(at, "write it like "+texts(v.schema["examples"])[0], "%q is not a valid %s", written, strings.ToLower(title))
		case "not":
			c.error(at, "platforms are chosen by build.platforms and the command line", "%q cannot be set here", written)
		case "minItems":
			c.error(at, "remove the key to build for all platforms", "%s is empty", subject(v.path))
		case "uniqueItems":
			c.error(at, "remove the second", "%s says the same twice", subject(v.path))
		}
	}
}

// entangledBuild reports a manifest that cannot be packed without kpkg's key: plakar's next validator refuses the package.
func (c *checker) entangledBuild() {
	if !c.packable() {
		c.refused(c.atKey("build"), "write it as a plain top-level key that shares no anchors with the rest",
			"\"build\" cannot be left out of the packed manifest without changing it")
	}
}

// unusedPackages reports main packages given for executables that no connector names.
func (c *checker) unusedPackages() {
	if c.Manifest.Build == nil {
		return
	}
	var executables []string
	for _, connector := range c.Manifest.Connectors {
		executables = append(executables, connector.Executable)
	}
	for _, executable := range slices.Sorted(maps.Keys(c.Manifest.Build.Packages)) {
		if !slices.Contains(executables, executable) {
			c.warning(c.atKey("build", "packages", executable), suggest.DidYouMean(executable, executables),
				"no connector has the executable %q", executable)
		}
	}
}
