package manifest

import "gopkg.in/yaml.v3"

// manifest decodes what has the right kind and leaves the rest to the findings of Check.
func (v *value) manifest() Manifest {
	m := Manifest{
		Name:        v.string("name"),
		DisplayName: v.string("display_name"),
		Description: v.string("description"),
		Tier:        v.string("tier"),
		Contact:     v.string("contact"),
		Homepage:    v.string("homepage"),
		License:     v.string("license"),
		Tags:        v.strings("tags"),
		APIVersion:  v.string("api_version"),
		Version:     v.string("version"),
	}
	if f := v.field("connectors"); f != nil {
		for _, item := range f.value.items {
			m.Connectors = append(m.Connectors, item.connector())
		}
	}
	if f := v.field("build"); f != nil && f.value.kind() == yaml.MappingNode {
		m.Build = f.value.build()
	}
	return m
}

func (v *value) connector() Connector {
	return Connector{
		Type:          v.string("type"),
		Class:         v.string("class"),
		Subclass:      v.string("subclass"),
		Validator:     v.string("validator"),
		Protocols:     v.strings("protocols"),
		LocationFlags: v.strings("location_flags"),
		Executable:    v.string("executable"),
		Args:          v.strings("args"),
		ExtraFiles:    v.strings("extra_files"),
		ImageID:       v.string("image_id"),
		Image:         v.string("image"),
	}
}

func (v *value) build() *Build {
	return &Build{
		Platforms: v.strings("platforms"),
		Packages:  v.stringMap("packages"),
		LDFlags:   v.string("ldflags"),
		Tags:      v.strings("tags"),
		Env:       v.stringMap("env"),
		Ignore:    v.strings("ignore"),
	}
}

func (v *value) string(name string) string {
	if f := v.field(name); f != nil {
		return f.value.text
	}
	return ""
}

func (v *value) strings(name string) []string {
	f := v.field(name)
	if f == nil {
		return nil
	}
	var texts []string
	for _, item := range f.value.items {
		texts = append(texts, item.text)
	}
	return texts
}

func (v *value) stringMap(name string) map[string]string {
	f := v.field(name)
	if f == nil || f.value.kind() != yaml.MappingNode {
		return nil
	}
	texts := map[string]string{}
	for _, f := range f.value.fields {
		texts[f.name] = f.value.text
	}
	return texts
}

// plain is the value in the types of JSON. With omitEmpty, keys without a value are left out: plakar cannot tell them from
// absent ones.
func (v *value) plain(omitEmpty bool) any {
	switch v.kind() {
	case yaml.MappingNode:
		object := map[string]any{}
		for _, f := range v.fields {
			if !omitEmpty || !f.value.empty() {
				object[f.name] = f.value.plain(omitEmpty)
			}
		}
		return object
	case yaml.SequenceNode:
		list := make([]any, len(v.items))
		for i, item := range v.items {
			list[i] = item.plain(omitEmpty)
		}
		return list
	}
	return v.text
}
