package manifest

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// moves takes a key to the level that it belongs to.
func (d *Document) moves(path []any, parent *value, key string) []edit {
	home := homeOf(key)
	from := levelOf(path)
	if home == nil || home == from || from == buildLevel {
		return nil
	}
	target := d.homePath(home)
	if target == nil {
		return nil
	}
	removal, text, column, ok := d.takeOut(path, parent, key)
	if !ok {
		return nil
	}
	e := edit{rule: "key-misplaced", at: parent.field(key).key}
	value := parent.field(key).value.plain(false)
	if there, _, found := d.root.find(append(slices.Clone(target), key)); found {
		if !reflect.DeepEqual(there.plain(false), value) {
			return nil // which of the two is meant, only the author knows
		}
		e.message = fmt.Sprintf("%q is %s already", key, home.place)
		e.cuts = []cut{removal}
		e.want = d.changed(func(root map[string]any) { delete(at(root, path[:len(path)-1]), key) })
		return []edit{e}
	}
	insertion, ok := d.putIn(target, text, column)
	if !ok {
		return nil
	}
	e.message = fmt.Sprintf("%q is %s", key, home.place)
	e.cuts = []cut{removal, insertion}
	e.want = d.changed(func(root map[string]any) {
		delete(at(root, path[:len(path)-1]), key)
		if home == buildLevel && at(root, target) == nil {
			root["build"] = map[string]any{}
		}
		at(root, target)[key] = value
	})
	return []edit{e}
}

// homePath is the mapping of a level; nil where there is not one, but several or none.
func (d *Document) homePath(l *level) []any {
	switch l {
	case topLevel:
		return []any{}
	case connectorLevel:
		if f := d.root.field("connectors"); f != nil && len(f.value.items) == 1 {
			return []any{"connectors", 0}
		}
		return nil
	}
	return []any{"build"}
}

// takeOut is the removal of an entry, its text with the comments right above it, and the column that it stood in.
func (d *Document) takeOut(path []any, parent *value, key string) (removal cut, text string, column int, ok bool) {
	f := parent.field(key)
	if parent.node.Style&yaml.FlowStyle != 0 {
		return d.takeOutOfFlow(f)
	}
	_, end := d.extent(path)
	line := d.lines.lineOf(f.key)
	column = f.key - d.lines.start(line)
	if strings.TrimSpace(string(d.Raw[d.lines.start(line):f.key])) != "" { // "- key: value", the first of an item
		next := d.nextKey(parent, f.key)
		if next < 0 || strings.TrimSpace(string(d.Raw[end:next])) != "" {
			return cut{}, "", 0, false
		}
		return cut{f.key, next, ""}, string(d.Raw[f.key:end]), column, true
	}
	for line > 0 && d.isCommentAt(line-1, column) {
		line--
	}
	start := d.lines.start(line)
	return cut{start, end, ""}, string(d.Raw[start+column : end]), column, true
}

// isCommentAt tells a line that is a comment, in a column.
func (d *Document) isCommentAt(line, column int) bool {
	text := d.lines.text(line)
	return indentationOf(text) == column && strings.HasPrefix(text[column:], "#")
}

// nextKey is the offset of the key after an offset in a mapping; -1 if there is none.
func (d *Document) nextKey(parent *value, after int) int {
	next := -1
	for _, f := range parent.fields {
		if !f.merged && f.key > after && (next < 0 || f.key < next) {
			next = f.key
		}
	}
	return next
}

// takeOutOfFlow is takeOut for an entry of "{...}" that is on one line.
func (d *Document) takeOutOfFlow(f *field) (removal cut, text string, column int, ok bool) {
	end := d.flowEnd(f.key)
	text = strings.TrimRight(strings.TrimSuffix(string(d.Raw[f.key:end]), ","), " ")
	if strings.ContainsAny(text, "\r\n#") || end >= len(d.Raw) || !strings.Contains(text, ": ") {
		return cut{}, "", 0, false
	}
	start := f.key
	if d.Raw[end] == '}' && d.Raw[end-1] != ',' { // the last: the comma before it goes
		before := bytes.TrimRight(d.Raw[:start], " ")
		if !bytes.HasSuffix(before, []byte(",")) {
			return cut{}, "", 0, false
		}
		start = len(before) - 1
	} else {
		for end < len(d.Raw) && d.Raw[end] == ' ' {
			end++
		}
	}
	return cut{start, end, ""}, text + "\n", 0, true
}

// putIn is the insertion of an entry, whose text stood in a column, into the mapping at a path: above connectors at the top, and
// elsewhere at the end.
func (d *Document) putIn(path []any, text string, column int) (cut, bool) {
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	target, _, found := d.root.find(path)
	if !found { // "build", which is not there yet
		offset := len(d.Raw)
		lead := ""
		if offset > 0 && d.Raw[offset-1] != '\n' {
			lead = "\n"
		}
		indented, ok := indented(text, column, len("  "))
		return cut{offset, offset, lead + "build:\n" + indented}, ok
	}
	if target.kind() != yaml.MappingNode || target.node.Style&yaml.FlowStyle != 0 || target.node.Anchor != "" {
		return cut{}, false
	}
	var last *field
	for n := range target.fields {
		f := &target.fields[n]
		if len(path) == 0 && f.name == "connectors" && last != nil {
			break
		}
		if !f.merged && (last == nil || f.key > last.key) {
			last = f
		}
	}
	if last == nil {
		return cut{}, false
	}
	to := last.key - d.lines.start(d.lines.lineOf(last.key))
	_, offset := d.extent(append(slices.Clone(path), last.name))
	if len(path) == 0 && last.name == "connectors" {
		offset = d.lines.start(d.lines.lineOf(last.key))
	}
	indented, ok := indented(text, column, to)
	if offset > 0 && d.Raw[offset-1] != '\n' {
		indented = "\n" + strings.TrimSuffix(indented, "\n")
	}
	return cut{offset, offset, indented}, ok
}

// indented is an entry that stood in one column, the first line without its indentation, in another.
func indented(text string, from, to int) (string, bool) {
	var out strings.Builder
	for n, line := range strings.SplitAfter(text, "\n") {
		switch {
		case strings.TrimSpace(line) == "":
			out.WriteString(line)
			continue
		case n > 0 && indentationOf(line) < from:
			return "", false
		case n > 0:
			line = line[from:]
		}
		out.WriteString(strings.Repeat(" ", to) + line)
	}
	return out.String(), true
}

// extent is the run of whole lines, from its key on, of an entry of a block mapping. Blank lines and comments after it are not
// part of it, unless they are within its value.
func (d *Document) extent(path []any) (start, end int) {
	f := d.root.fieldAt(path)
	first := d.lines.lineOf(f.key)
	column := f.key - d.lines.start(first)
	next := d.after(path, f.key)
	last := next - 1
	for last > first && !d.belongs(last, column) {
		last--
	}
	return f.key, d.lines.start(last + 1)
}

// belongs tells a line that is neither blank nor a comment at or left of a column, nor the end of the document.
func (d *Document) belongs(line, column int) bool {
	text := d.lines.text(line)
	trimmed := strings.TrimSpace(text)
	if trimmed == "" || strings.HasPrefix(text, "---") || strings.HasPrefix(text, "...") {
		return false
	}
	return trimmed[0] != '#' || indentationOf(text) > column
}

// after is the first line, after that of the key at path, of what is not below it.
func (d *Document) after(path []any, key int) int {
	first := d.lines.lineOf(key)
	next := d.lines.count()
	look := func(offset int) {
		if line := d.lines.lineOf(offset); offset > key && line > first {
			next = min(next, line)
		}
	}
	v := d.root
	for _, step := range path {
		switch step := step.(type) {
		case string:
			for _, f := range v.fields {
				if !f.merged && f.name != step {
					look(f.key)
				}
			}
			v = v.field(step).value
		case int:
			for n, item := range v.items {
				if n != step {
					look(item.offset)
				}
			}
			v = v.items[step]
		}
	}
	for line := first + 1; line < next; line++ {
		if text := d.lines.text(line); strings.HasPrefix(text, "---") || strings.HasPrefix(text, "...") {
			return line
		}
	}
	return next
}

// fieldAt is the field at the end of a path that is there.
func (v *value) fieldAt(path []any) *field {
	_, f, _ := v.find(path)
	return f
}
