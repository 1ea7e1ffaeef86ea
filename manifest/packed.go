package manifest

import (
	"bytes"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Packed is the manifest as it goes into a package: Raw, or Raw without its key "build", all else byte for byte. Where the
// key cannot be taken out without changing the rest, Check says so (rule build-entangled) and Packed is Raw.
func (d *Document) Packed() []byte { return d.packed }

// pack cuts "build" out and keeps the result only if it reads as the original without the key.
func (d *Document) pack() []byte {
	build := d.root.field("build")
	if build == nil || build.merged {
		return d.Raw
	}
	var start, end int
	if d.root.node.Style&yaml.FlowStyle != 0 {
		start, end = build.key, d.flowEnd(build.key)
	} else {
		start, end = d.blockExtent(build)
	}
	packed := slices.Concat(d.Raw[:start], d.Raw[end:])
	want := d.root.plain(false).(map[string]any)
	delete(want, "build")
	if !readsAs(packed, want) {
		return d.Raw
	}
	return packed
}

func (d *Document) packable() bool {
	build := d.root.field("build")
	return build == nil || len(d.packed) < len(d.Raw)
}

func readsAs(data []byte, want map[string]any) bool {
	document := &Document{Raw: data, lines: newLines(data)}
	root := document.parse()
	if root == nil {
		return len(want) == 0
	}
	return reflect.DeepEqual(root.plain(false), any(want))
}

// blockExtent is the run of lines of a key of a block mapping. Blank lines after its value are part of it: left to the key
// before, they could become its text. A comment above or below is not, being as likely about something else.
func (d *Document) blockExtent(f *field) (start, end int) {
	first := d.lines.lineOf(f.key)
	next := d.lines.count()
	for _, other := range d.root.fields {
		if line := d.lines.lineOf(other.key); !other.merged && line > first {
			next = min(next, line)
		}
	}
	for line := first + 1; line < next; line++ {
		if text := d.lines.text(line); strings.HasPrefix(text, "---") || strings.HasPrefix(text, "...") {
			next = line // the end of the document
		}
	}
	last := next - 1
	for last > first && !d.isContent(last) {
		last--
	}
	for last+1 < next && strings.TrimSpace(d.lines.text(last+1)) == "" {
		last++
	}
	return d.lines.start(first), d.lines.start(last + 1)
}

// isContent tells whether a line belongs to the key above it: it is neither blank nor a comment in the column of the
// top-level keys.
func (d *Document) isContent(line int) bool {
	text := d.lines.text(line)
	trimmed := strings.TrimLeft(text, " ")
	if strings.TrimSpace(trimmed) == "" {
		return false
	}
	return trimmed[0] != '#' || len(text)-len(trimmed) >= d.root.node.Column
}

// flowEnd is the offset after the entry of a flow mapping that starts at offset: after its comma, or at the closing brace.
func (d *Document) flowEnd(offset int) int {
	data := d.Raw
	depth := 0
	previous := byte(',') // the last character that is not blank
	for offset < len(data) {
		c := data[offset]
		switch {
		case c == '#' && isBlank(data[offset-1]):
			if i := bytes.IndexByte(data[offset:], '\n'); i >= 0 {
				offset += i
				continue
			}
			return len(data)
		case (c == '"' || c == '\'') && strings.IndexByte(",[{:?", previous) >= 0:
			offset = quotedEnd(data, offset)
			previous = c
			continue
		case c == '{' || c == '[':
			depth++
		case (c == '}' || c == ']') && depth == 0:
			return offset
		case c == '}' || c == ']':
			depth--
		case c == ',' && depth == 0:
			return offset + 1
		}
		if !isBlank(c) {
			previous = c
		}
		offset++
	}
	return len(data)
}

// quotedEnd is the offset after the quoted scalar that starts at offset.
func quotedEnd(data []byte, offset int) int {
	quote := data[offset]
	for i := offset + 1; i < len(data); i++ {
		switch {
		case quote == '"' && data[i] == '\\':
			i++
		case data[i] == quote && quote == '\'' && i+1 < len(data) && data[i+1] == quote:
			i++
		case data[i] == quote:
			return i + 1
		}
	}
	return len(data)
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
