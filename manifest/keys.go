package manifest

import (
	"fmt"
	"maps"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/PlakarKorp/kpkg/internal/suggest"
)

// renamed maps keys that authors write to what they mean, where the spelling does not tell.
var renamed = map[string]string{
	"flags":      "location_flags",
	"author":     "contact",
	"maintainer": "contact",
	"url":        "homepage",
	"website":    "homepage",
}

// kind reports values that plakar cannot decode: it expects another kind of YAML there.
func (c *checker) kind() {
	for _, v := range c.violations {
		if v.keyword != "type" {
			continue
		}
		v.claimed = true
		written, _, _ := c.root.find(v.path)
		hint := ""
		if v.limit == "array" && written.kind() == yaml.ScalarNode {
			hint = fmt.Sprintf("write [%s]", written.text)
		}
		c.error(c.at(v.path...), hint, "%s must be %s, not %s", subject(v.path), kindNames[fmt.Sprint(v.limit)], describe(written))
	}
}

var kindNames = map[string]string{"object": "a mapping", "array": "a list", "string": "text"}

// subject names what stands at a path.
func subject(path []any) string {
	if len(path) == 0 {
		return "the manifest"
	}
	if key, isKey := path[len(path)-1].(string); isKey {
		return fmt.Sprintf("%q", key)
	}
	return fmt.Sprintf("an item of %q", path[len(path)-2])
}

// misplacedKeys reports known keys at the wrong level, which plakar drops in silence.
func (c *checker) misplacedKeys() {
	for _, v := range c.violations {
		if v.keyword != "additionalProperties" {
			continue
		}
		key := v.path[len(v.path)-1].(string)
		level := levelOf(v.path)
		home := homeOf(key)
		if level == buildLevel || home == nil || home == level {
			continue
		}
		v.claimed = true
		hint := "move it there"
		if home == topLevel && c.root.field(key) != nil {
			hint = "remove it, the manifest has one there"
		}
		c.refused(c.atKey(v.path...), hint, "%q belongs %s; plakar ignores it here", key, home.place)
	}
}

// unknownKeys reports keys that plakar drops in silence, or that mean nothing to kpkg's own build settings.
func (c *checker) unknownKeys() {
	for _, v := range c.violations {
		if v.keyword != "additionalProperties" || v.claimed {
			continue
		}
		v.claimed = true
		key := v.path[len(v.path)-1].(string)
		level := levelOf(v.path)
		hint := suggest.DidYouMean(key, level.keys())
		if meant, found := renamed[key]; found && level.knows(meant) {
			hint = fmt.Sprintf("did you mean %q?", meant)
		}
		if level == buildLevel {
			c.error(c.atKey(v.path...), hint, "unknown key %q", key)
		} else {
			c.refused(c.atKey(v.path...), hint, "unknown key %q; plakar ignores it", key)
		}
	}
}

// missingKeys reports what only plakar's next validator requires at the top of a manifest.
func (c *checker) missingKeys() {
	for _, key := range []string{"display_name", "description"} {
		for range c.claim("required", key) {
			if !c.misspelt(key) {
				c.refused(c.atMissing(key), "", "%q is missing", key)
			}
		}
	}
}

// recommendedKeys reports what nothing requires and users expect. A key at the wrong level is not missing but misplaced.
func (c *checker) recommendedKeys() {
	if c.root.kind() != yaml.MappingNode {
		return // reported by kind
	}
	for _, key := range []string{"homepage", "license", "api_version"} {
		if c.absent(key) && !c.inConnector(key) && !c.misspelt(key) {
			c.warning(c.atMissing(key), recommendations[key], "%q is missing", key)
		}
	}
}

var recommendations = map[string]string{
	"homepage":    "say where the project lives",
	"license":     "give an SPDX identifier such as ISC",
	"api_version": "write api_version: " + knownAPIVersion,
}

// misspelt tells a key at the top of the manifest that is there in another spelling, which unknownKeys reports.
func (c *checker) misspelt(key string) bool {
	for _, v := range c.violations {
		if v.keyword != "additionalProperties" || len(v.path) != 1 {
			continue
		}
		written := v.path[0].(string)
		if !topLevel.knows(written) && suggest.Closest(written, topLevel.keys()) == key {
			return true
		}
	}
	return false
}

func (c *checker) inConnector(key string) bool {
	for i := range c.Manifest.Connectors {
		if !c.absent("connectors", i, key) {
			return true
		}
	}
	return false
}

// level is one of the mappings of a manifest that have keys of their own.
type level struct {
	place string
	path  []string // of its "properties" in the schema
}

var (
	topLevel       = &level{"at the top level", []string{"properties"}}
	connectorLevel = &level{"in a connector", []string{"$defs", "connector", "properties"}}
	buildLevel     = &level{"under \"build\"", []string{"$defs", "build", "properties"}}
)

// levelOf is the level of the key at path.
func levelOf(path []any) *level {
	switch {
	case len(path) == 1:
		return topLevel
	case path[0] == "connectors":
		return connectorLevel
	}
	return buildLevel
}

// homeOf is the level that knows a key, nil if none does.
func homeOf(key string) *level {
	for _, level := range []*level{topLevel, connectorLevel, buildLevel} {
		if level.knows(key) {
			return level
		}
	}
	return nil
}

func (l *level) properties() map[string]any {
	_, properties := follow(loadSchema().document, l.path)
	return properties.(map[string]any)
}

func (l *level) keys() []string { return slices.Sorted(maps.Keys(l.properties())) }

func (l *level) knows(key string) bool {
	_, found := l.properties()[key]
	return found
}
