package manifest

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Imaged is Packed with the image of each executable in the executable's place: images are their IDs by the cleaned paths of the
// executables, and the keys are image_id and, where reference is not empty, image. All else is byte for byte that of Packed. The
// error says which connector is written so that this cannot be done without changing the rest.
func (d *Document) Imaged(images map[string]string, reference string) ([]byte, error) {
	packed := Read(d.File, d.Packed())
	if packed.root == nil {
		return nil, fmt.Errorf("%s cannot be read", d.File)
	}
	want := packed.root.plain(false).(map[string]any)
	connectors, _ := want["connectors"].([]any)
	text := packed.Raw
	replaced := map[int]bool{}
	for i := len(packed.Manifest.Connectors) - 1; i >= 0; i-- { // from the end, so that what is before stays where it is
		id, has := images[path.Clean(packed.Manifest.Connectors[i].Executable)]
		if !has || packed.Manifest.Connectors[i].Executable == "" {
			continue
		}
		connector := connectors[i].(map[string]any)
		delete(connector, "executable")
		connector["image_id"] = id
		if reference != "" {
			connector["image"] = reference
		}
		mapping, _, _ := packed.root.find([]any{"connectors", i})
		f := mapping.field("executable")
		if !replaced[f.key] { // two may be one, by an alias
			replaced[f.key] = true
			start, end := packed.pairExtent(mapping, f)
			text = slices.Concat(text[:start], packed.imageKeys(mapping, f, id, reference), text[end:])
		}
	}
	if !readsAs(text, want) {
		return nil, fmt.Errorf("%s: \"executable\" cannot be replaced by an image without changing the rest: write it as plain text in "+
			"each connector, without anchors", d.File)
	}
	return text, nil
}

// pairExtent is where a key and its value of one line stand, without what follows them.
func (d *Document) pairExtent(mapping *value, f *field) (start, end int) {
	if mapping.node.Style&yaml.FlowStyle != 0 {
		end = d.flowEnd(f.key)
		for end > f.key && (d.Raw[end-1] == ',' || isBlank(d.Raw[end-1])) {
			end--
		}
		return f.key, end
	}
	end = len(d.Raw)
	if newline := bytes.IndexByte(d.Raw[f.key:], '\n'); newline >= 0 {
		end = f.key + newline
	}
	at := f.key + len("executable")
	for at < end && (isBlank(d.Raw[at]) || d.Raw[at] == ':') {
		at++
	}
	if at < end && (d.Raw[at] == '"' || d.Raw[at] == '\'') {
		return f.key, min(end, quotedEnd(d.Raw, at))
	}
	if comment := bytes.Index(d.Raw[at:end], []byte(" #")); comment >= 0 {
		end = at + comment
	}
	for end > at && isBlank(d.Raw[end-1]) {
		end--
	}
	return f.key, end
}

// imageKeys are the keys of an image, as they stand beside the others of the mapping.
func (d *Document) imageKeys(mapping *value, f *field, id, reference string) []byte {
	keys := "image_id: " + strconv.Quote(id)
	if reference == "" {
		return []byte(keys)
	}
	between := ", "
	if mapping.node.Style&yaml.FlowStyle == 0 {
		_, column := d.lines.position(f.key)
		between = "\n" + strings.Repeat(" ", column-1)
	}
	return []byte(keys + between + "image: " + strconv.Quote(reference))
}
