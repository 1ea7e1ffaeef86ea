package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

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
		c.error(c.at(v.path...), rewritten(written, fmt.Sprint(v.limit), v.path), "%s must be %s, not %s", subject(v.path),
			kindNames[fmt.Sprint(v.limit)], describe(written))
	}
}

// rewritten is how a value is to be written as the kind that is expected at path.
func rewritten(v *value, kind string, path []any) string {
	name, _ := last(path).(string)
	var items []string
	switch v.kind() {
	case yaml.ScalarNode:
		items = strings.FieldsFunc(v.text, func(r rune) bool { return strings.ContainsRune("[](){}, ", r) })
	case yaml.SequenceNode:
		for _, item := range v.items {
			items = append(items, item.text)
		}
	case yaml.MappingNode:
		for _, f := range v.fields {
			items = append(items, f.name)
		}
	}
	switch {
	case kind == "array" && name == "connectors":
		return "begin each connector with \"- \", as in - type: importer"
	case kind == "array" && len(items) > 0 && !slices.Contains(items, ""):
		return fmt.Sprintf("write [%s]", strings.Join(items, ", "))
	case kind == "string" && v.kind() == yaml.SequenceNode && len(items) > 0 && !slices.Contains(items, ""):
		return "write " + strings.Join(items, " ")
	case kind == "object":
		if name == "" && len(path) > 0 {
			name = "connectors" // an item
		}
		return "write KEY: VALUE, as in " + mappingExamples[name]
	}
	return ""
}

// mappingExamples are first lines of the mappings of a manifest; "" is the manifest itself.
var mappingExamples = map[string]string{
	"":           "name: ftp",
	"connectors": "type: importer",
	"build":      "platforms: [linux/amd64]",
	"packages":   "ftpImporter: ./plugin/importer",
	"env":        "CGO_ENABLED: 1",
}

func last(path []any) any {
	if len(path) == 0 {
		return nil
	}
	return path[len(path)-1]
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
		hint := ""
		meant := level.meant(key)
		if meant != "" {
			hint = fmt.Sprintf("did you mean %q?", meant)
		}
		switch {
		case level == buildLevel:
			c.error(c.atKey(v.path...), hint, "unknown key %q", key)
		case meant != "" && c.needs(v.path[:len(v.path)-1], meant):
			c.error(c.atKey(v.path...), hint, "unknown key %q, and %q is missing", key, meant)
		default:
			c.refused(c.atKey(v.path...), hint, "unknown key %q; plakar ignores it", key)
		}
	}
}

// needs tells whether a key is missing in the mapping at path without which the released plakar can do nothing, and claims
// that: it is said of the key that stands there instead.
func (c *checker) needs(path []any, key string) bool {
	at := append(slices.Clone(path), key)
	switch key {
	case "name", "connectors", "type", "protocols":
		return len(c.claim("required", at...)) > 0
	case "executable":
		return len(c.claim("anyOf", path...)) > 0
	}
	return false
}

// missingKeys reports what only plakar's next validator requires at the top of a manifest.
func (c *checker) missingKeys() {
	for _, key := range []string{"display_name", "description"} {
		for range c.claim("required", key) {
			if !c.misspelt(key) {
				c.refused(c.atMissing(key), c.swallowed(key), "%q %s", key, c.lack(key))
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

// misspelt tells a key that is there in another spelling, which unknownKeys reports.
func (c *checker) misspelt(path ...any) bool {
	if c.meant == nil {
		c.meant = map[string]bool{}
		for _, v := range c.violations {
			if v.keyword == "additionalProperties" {
				parent, key := v.path[:len(v.path)-1], last(v.path).(string)
				c.meant[fmt.Sprint(append(slices.Clone(parent), levelOf(v.path).meant(key)))] = true
			}
		}
	}
	return c.meant[fmt.Sprint([]any(path))]
}

// lack says how a key at the top of the manifest is not there.
func (c *checker) lack(key string) string {
	if c.root.field(key) != nil {
		return "has no value"
	}
	return "is missing"
}

// swallowed is what to do about the value of a key at the top of the manifest that YAML does not see, because of the
// character that it begins with.
func (c *checker) swallowed(key string) string {
	f := c.root.field(key)
	if f == nil {
		return ""
	}
	line, _, _ := strings.Cut(string(c.Raw[f.key:]), "\n")
	_, written, _ := strings.Cut(line, ":")
	if written = strings.TrimSpace(written); written == "" || !strings.ContainsAny(written[:1], "#&!") {
		return ""
	}
	return fmt.Sprintf("quote the value if it is meant to start with %q", written[:1])
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
	_, properties := follow(schemaDocument(), l.path)
	return properties.(map[string]any)
}

func (l *level) keys() []string { return slices.Sorted(maps.Keys(l.properties())) }

// meant is the key of the level that was probably meant by another, "" for none.
func (l *level) meant(key string) string {
	if meant, found := renamed[key]; found && l.knows(meant) {
		return meant
	}
	if l.knows(key) {
		return ""
	}
	return suggest.Closest(key, l.keys())
}

func (l *level) knows(key string) bool {
	_, found := l.properties()[key]
	return found
}
