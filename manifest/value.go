package manifest

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// value is a YAML value with aliases and merge keys resolved and scalars read as plakar reads them: into strings, as they
// are written, whatever type YAML sees in them ("1.10" stays "1.10", null is the empty string).
type value struct {
	node   *yaml.Node // where it is written; the anchored node for an alias
	offset int
	fields []field
	items  []*value
	text   string
}

type field struct {
	name  string
	key   int // offset of the key
	value *value
	// merged tells that the field came from another mapping, by a merge key.
	merged bool
}

func (v *value) kind() yaml.Kind { return v.node.Kind }

// empty tells whether plakar cannot tell the value from an absent one.
func (v *value) empty() bool { return v.kind() == yaml.ScalarNode && v.text == "" }

func (v *value) field(name string) *field {
	for i := range v.fields {
		if v.fields[i].name == name {
			return &v.fields[i]
		}
	}
	return nil
}

// resolver turns yaml.v3's nodes into values.
type resolver struct {
	document *Document
	left     int
	open     map[*yaml.Node]bool // anchored nodes being resolved, to find cycles
}

// resolve returns nil, after reporting why, when an alias cannot be followed.
func (d *Document) resolve(n *yaml.Node) *value {
	r := &resolver{document: d, left: maxValues, open: map[*yaml.Node]bool{}}
	return r.value(n)
}

func (r *resolver) fail(n *yaml.Node, rule, message, hint string) {
	r.document.problemAt(r.document.lines.offset(n), rule, message, hint)
}

// value returns nil when there is no point in going on.
func (r *resolver) value(n *yaml.Node) *value {
	if n.Kind == yaml.AliasNode {
		if r.open[n.Alias] {
			r.fail(n, "yaml-alias", fmt.Sprintf("anchor %q contains itself", n.Value), "")
			return nil
		}
		n = n.Alias
	}
	if r.left--; r.left < 0 {
		r.fail(n, "yaml-alias", fmt.Sprintf("the manifest holds more than %d values, counting what aliases repeat", maxValues),
			"write fewer, or do not nest aliases")
		return nil
	}
	if n.Anchor != "" {
		r.open[n] = true
		defer delete(r.open, n)
	}
	v := &value{node: n, offset: r.document.lines.offset(n)}
	switch n.Kind {
	case yaml.MappingNode:
		return r.mapping(v)
	case yaml.SequenceNode:
		for _, item := range n.Content {
			child := r.value(item)
			if child == nil {
				return nil
			}
			if !isNull(child.node) { // plakar drops these
				v.items = append(v.items, child)
			}
		}
	default:
		if err := n.Decode(&v.text); err != nil {
			v.text = n.Value
			r.fail(n, "yaml-tag", fmt.Sprintf("%q is not what its tag %s says", n.Value, n.ShortTag()), "remove the tag")
		}
	}
	return v
}

func (r *resolver) mapping(v *value) *value {
	n := v.node
	seen := map[string]int{}
	var merge *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		keyNode, valueNode := n.Content[i], n.Content[i+1]
		key := r.value(keyNode)
		if key == nil {
			return nil
		}
		if key.kind() != yaml.ScalarNode {
			r.fail(keyNode, "yaml-key", "a key must be text, not "+describe(key), "")
			continue
		}
		offset := r.document.lines.offset(keyNode)
		if first, found := seen[key.text]; found {
			line, _ := r.document.lines.position(first)
			r.fail(keyNode, "yaml-duplicate", fmt.Sprintf("key %q is already on line %d", key.text, line), "remove one")
			continue
		}
		seen[key.text] = offset
		if keyNode.ShortTag() == "!!merge" {
			merge = valueNode
			continue
		}
		child := r.value(valueNode)
		if child == nil {
			return nil
		}
		v.fields = append(v.fields, field{name: key.text, key: offset, value: child})
	}
	if merge != nil && !r.merge(v, merge) {
		return nil
	}
	return v
}

// merge adds the fields of the mapping, or list of mappings, that n refers to and that v lacks.
func (r *resolver) merge(v *value, n *yaml.Node) bool {
	source := r.value(n)
	if source == nil {
		return false
	}
	sources := []*value{source}
	if source.kind() == yaml.SequenceNode {
		sources = source.items
	}
	for _, source := range sources {
		if source.kind() != yaml.MappingNode {
			r.fail(n, "yaml-alias", "\"<<\" takes a mapping, not "+describe(source), "")
			continue
		}
		for _, f := range source.fields {
			if v.field(f.name) == nil {
				f.merged = true
				v.fields = append(v.fields, f)
			}
		}
	}
	return true
}

// describe names the kind of a value in a message.
func describe(v *value) string {
	switch {
	case v.kind() == yaml.MappingNode:
		return "a mapping"
	case v.kind() == yaml.SequenceNode:
		return "a list"
	case v.empty():
		return "nothing"
	}
	return "text"
}
