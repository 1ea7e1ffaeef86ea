package manifest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/suggest"
)

// connectors reports a package that would provide nothing.
func (c *checker) connectors() {
	for range c.claim("required", "connectors") {
		c.error(c.atMissing("connectors"), "", "\"connectors\" %s: the package would provide nothing", c.lack("connectors"))
	}
	for range c.claim("minItems", "connectors") {
		c.error(c.atKey("connectors"), "", "\"connectors\" is empty: the package would provide nothing")
	}
}

// connectorType reports connectors that plakar skips because of their type.
func (c *checker) connectorType() {
	for _, v := range c.claim("required", "connectors", anyIndex, "type") {
		c.error(c.atMissing(v.path...), "say what it is: "+suggest.OneOf("", ConnectorTypes()), "the connector has no \"type\"")
	}
	for _, v := range c.claim("enum", "connectors", anyIndex, "type") {
		written := c.text(v.path...)
		hint := suggest.OneOf(written, texts(v.limit))
		if written == "store" {
			hint = suggest.DidYouMean("storage", texts(v.limit))
		}
		c.error(c.at(v.path...), hint, "unknown connector type %q", written)
	}
}

func schemaEnum(key string) []string {
	_, values := follow(connectorLevel.properties(), []string{key, "enum"})
	return texts(values)
}

func (c *checker) class() {
	for _, v := range c.claim("enum", "connectors", anyIndex, "class") {
		written := c.text(v.path...)
		c.refused(c.at(v.path...), suggest.OneOf(written, texts(v.limit)), "unknown class %q", written)
	}
}

func (c *checker) missingClass() {
	for i, connector := range c.Manifest.Connectors {
		if connector.Type != "" && c.absent("connectors", i, "class") && !c.misspelt("connectors", i, "class") {
			c.report(finding.Info, c.atMissing("connectors", i, "class"),
				"a class such as file-storage lets plakar match the connector to resources", "the connector has no \"class\"")
		}
	}
}

// subclass reports, once a connector, a subclass that does not exist or not under the connector's class.
func (c *checker) subclass() {
	narrowest := map[int]*violation{} // of those at one subclass: the list of its class says more than that of all
	claims := c.claim("enum", "connectors", anyIndex, "subclass")
	claims = append(claims, c.claim("false", "connectors", anyIndex, "subclass")...)
	for _, v := range claims {
		i := v.path[1].(int)
		if best := narrowest[i]; best == nil || len(texts(v.limit)) < len(texts(best.limit)) {
			narrowest[i] = v
		}
	}
	for i, v := range narrowest {
		connector := c.Manifest.Connectors[i]
		allowed := texts(v.limit)
		hint := suggest.OneOf(connector.Subclass, allowed)
		if len(allowed) == 0 {
			hint = "remove it: the class has none"
		}
		c.refused(c.at(v.path...), hint, "no subclass %q under class %q", connector.Subclass, connector.Class)
	}
	for _, v := range c.claim("dependentRequired", "connectors", anyIndex) {
		if i := v.path[1].(int); narrowest[i] == nil {
			c.refused(c.atKey("connectors", i, "subclass"), "add the class", "the connector has a \"subclass\" but no \"class\"")
		}
	}
}

// newSubclass reports subclasses that the released plakar is not sure to accept and the next does.
func (c *checker) newSubclass() {
	for i, connector := range c.Manifest.Connectors {
		if slices.Contains(released.refusedSubclasses, connector.Subclass) {
			c.warning(c.at("connectors", i, "subclass"), "leave it out until plakar knows it",
				"released clients may refuse subclass %q, which came later", connector.Subclass)
		}
	}
}

// protocols reports connectors that no location leads to.
func (c *checker) protocols() {
	claims := c.claim("required", "connectors", anyIndex, "protocols")
	claims = append(claims, c.claim("minItems", "connectors", anyIndex, "protocols")...)
	for _, v := range claims {
		connector := c.Manifest.Connectors[v.path[1].(int)]
		report := c.error
		if !servesLocations(connector.Type) {
			report = c.refused
		}
		report(c.atMissing(v.path...), "name the schemes of its locations, as in protocols: [ftp]",
			"the connector has no \"protocols\": no location leads to it")
	}
}

// protocolForm reports protocols that plakar cannot find in a location: it takes letters, digits, "+", "-" and "." up to a
// colon, and no single one, which would be a drive of Windows.
func (c *checker) protocolForm() {
	for _, v := range c.claim("pattern", "connectors", anyIndex, "protocols", anyIndex) {
		written := c.text(v.path...)
		hint := "use two or more letters, digits, \"+\", \"-\" and \".\""
		if bare := strings.TrimRight(written, ":/"); bare != written && len(bare) > 1 {
			hint = fmt.Sprintf("write %q: locations add the rest", bare)
		}
		c.error(c.at(v.path...), hint, "protocol %q cannot be the scheme of a location", written)
	}
}

// protocolUse is a protocol for one type of connector, which is what plakar registers once.
type protocolUse struct{ connectorType, protocol string }

// duplicateProtocols reports protocols that several connectors of a type claim: plakar stops loading at the second.
func (c *checker) duplicateProtocols() {
	first := map[protocolUse]int{}
	for i, connector := range c.Manifest.Connectors {
		if !servesLocations(connector.Type) {
			continue
		}
		for j, protocol := range connector.Protocols {
			use := protocolUse{connector.Type, protocol}
			line, seen := first[use]
			at := c.at("connectors", i, "protocols", j)
			if !seen {
				first[use] = at.line
				continue
			}
			c.error(at, "remove one", "the %s of line %d already serves protocol %q", connector.Type, line, protocol)
		}
	}
}

// builtinProtocols reports protocols that plakar serves itself: "plakar pkg add" refuses them.
func (c *checker) builtinProtocols() {
	for i, connector := range c.Manifest.Connectors {
		for j, protocol := range connector.Protocols {
			if IsBuiltin(connector.Type, protocol) {
				c.error(c.at("connectors", i, "protocols", j), "choose another protocol",
					"plakar has its own %s for protocol %q and will not install this one", connector.Type, protocol)
			}
		}
	}
}

// locationFlags reports flags for which plakar refuses the package.
func (c *checker) locationFlags() {
	for _, v := range c.claim("enum", "connectors", anyIndex, "location_flags", anyIndex) {
		written := c.text(v.path...)
		c.error(c.at(v.path...), suggest.OneOf(written, texts(v.limit)), "unknown location flag %q", written)
	}
}

// newLocationFlags reports flags for which the released plakar refuses the package and the next will not.
func (c *checker) newLocationFlags() {
	for i, connector := range c.Manifest.Connectors {
		for j, flag := range connector.LocationFlags {
			if slices.Contains(released.refusedFlags, flag) {
				c.error(c.at("connectors", i, "location_flags", j), "leave it out until plakar knows it",
					"plakar %s does not know location flag %q and will not install the package", released.Last, flag)
			}
		}
	}
}

// executable reports connectors that nothing serves.
func (c *checker) executable() {
	for _, v := range c.claim("anyOf", "connectors", anyIndex) {
		path := append(v.path, "executable")
		c.error(c.atMissing(path...), "name the program that serves it", "the connector has no \"executable\"")
	}
	for i, connector := range c.Manifest.Connectors {
		at := c.at("connectors", i, "executable")
		if bare, found := strings.CutSuffix(connector.Executable, ".exe"); found {
			c.warning(at, fmt.Sprintf("write %q: it is added for windows", bare), "the executable's name ends in .exe on every platform")
		}
		if strings.HasSuffix(connector.Executable, ".go") {
			c.warning(at, "name the program that is built, as in ftpImporter; its package may stand under build.packages",
				"the executable has the name of a Go file")
		}
	}
}

// sharedExecutables reports connectors that start the program of another one without arguments, where the other gives it
// some: it is not told that it is this connector.
func (c *checker) sharedExecutables() {
	for i, connector := range c.Manifest.Connectors {
		if connector.Executable == "" || len(connector.Args) > 0 {
			continue
		}
		for j, other := range c.Manifest.Connectors {
			if other.Executable == connector.Executable && other.Type != connector.Type && len(other.Args) > 0 {
				c.warning(c.at("connectors", i, "executable"), fmt.Sprintf("give it args of its own, as in args: [%s]", connector.Type),
					"the %s starts %s without args, the %s of line %d with some", connector.Type, connector.Executable, other.Type,
					c.at("connectors", j, "executable").line)
				break
			}
		}
	}
}

// image reports contradictions between an executable and a container image.
func (c *checker) image() {
	for i, connector := range c.Manifest.Connectors {
		at := func(key string) place { return c.atKey("connectors", i, key) }
		switch {
		case connector.Executable != "" && connector.ImageID != "":
			c.refused(at("image_id"), "keep one", "the connector has both an \"executable\" and an \"image_id\"")
		case connector.Executable != "" && connector.Image != "":
			c.refused(at("image"), "remove it", "\"image\" goes with \"image_id\", not with an \"executable\"")
		case connector.ImageID != "":
			for j, flag := range connector.LocationFlags {
				if flag == "localfs" {
					c.refused(c.at("connectors", i, "location_flags", j), "serve it with an executable",
						"a container does not see the local files that localfs is about")
				}
			}
		}
	}
}

// container reports connectors that the released plakar cannot start: it knows executables only.
func (c *checker) container() {
	severity := finding.Error
	if c.opts.Containers {
		severity = finding.Warning
	}
	for i, connector := range c.Manifest.Connectors {
		if connector.ImageID != "" && connector.Executable == "" {
			c.report(severity, c.atKey("connectors", i, "image_id"), "give it an executable",
				"plakar %s runs executables only, not containers", released.Last)
		}
	}
}

// missingValidators reports connectors whose configuration nothing describes.
func (c *checker) missingValidators() {
	for _, v := range c.claim("required", "connectors", anyIndex, "validator") {
		if !c.misspelt(v.path...) {
			c.refused(c.atMissing(v.path...), "add a JSON schema of its configuration, as in validator: ./importer/schema.json",
				"the connector has no \"validator\"")
		}
	}
}
