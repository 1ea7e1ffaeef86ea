package manifest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf16"

	"gopkg.in/yaml.v3"

	"github.com/PlakarKorp/kpkg/finding"
)

// Repair is one change that Fix has made.
type Repair struct {
	// Line is where, in the file as it was before the change.
	Line int `json:"line"`
	// Rule is the rule of the finding that the change is about; "" where nothing was wrong.
	Rule    string `json:"rule,omitempty"`
	Message string `json:"message"`
}

// maxRepairs is how many changes are made to one file; an honest one needs a few.
const maxRepairs = 100

// Fix repairs what is mechanical: the encoding and the line ends, keys at another level than their own or in another spelling,
// text in the place of a list of it, and the key "version", which becomes a comment. Every other byte stays, comments and the
// order of keys included, and no value is lost or changed. What would leave the manifest with more errors or warnings than it
// has, or say something else to plakar than is meant, is not done. The error is that of an ended ctx.
func Fix(ctx context.Context, data []byte) (fixed []byte, repairs []Repair, err error) {
	for len(repairs) < maxRepairs {
		next, repair, err := fixOne(ctx, data)
		if err != nil {
			return nil, nil, err
		}
		if next == nil {
			break
		}
		data, repairs = next, append(repairs, repair)
	}
	return data, repairs, nil
}

// fixOne makes the first change that there is to make; next is nil if there is none.
func fixOne(ctx context.Context, data []byte) (next []byte, repair Repair, err error) {
	if len(data) > MaxSize {
		return nil, Repair{}, nil
	}
	if next, repair = fixBytes(data); next != nil {
		return next, repair, nil
	}
	before := Read(FileName, data)
	if before.root == nil || before.root.kind() != yaml.MappingNode {
		return nil, Repair{}, nil
	}
	faults, err := before.faults(ctx)
	if err != nil {
		return nil, Repair{}, err
	}
	for _, e := range before.edits() {
		changed := e.apply(data)
		after := Read(FileName, changed)
		if after.root == nil || !reflect.DeepEqual(after.root.plain(false), e.want) {
			continue
		}
		left, err := after.faults(ctx)
		if err != nil {
			return nil, Repair{}, err
		}
		if left.worseThan(faults) {
			continue
		}
		line, _ := before.lines.position(e.at)
		return changed, Repair{Line: line, Rule: e.rule, Message: e.message}, nil
	}
	return nil, Repair{}, nil
}

// verdict is how many errors and warnings a manifest has, for the released plakar and for its next release.
type verdict [4]int

func (d *Document) faults(ctx context.Context) (f verdict, err error) {
	for i, strict := range []bool{false, true} {
		findings, err := d.Check(ctx, CheckOptions{Strict: strict})
		if err != nil {
			return f, err
		}
		f[2*i], f[2*i+1] = finding.Count(findings, finding.Error), finding.Count(findings, finding.Warning)
	}
	return f, nil
}

// worseThan tells more errors, or as many and more warnings, for either release.
func (f verdict) worseThan(other verdict) bool {
	for i := 0; i < len(f); i += 2 {
		if cmp.Or(cmp.Compare(f[i], other[i]), cmp.Compare(f[i+1], other[i+1])) > 0 {
			return true
		}
	}
	return false
}

// fixBytes repairs what is wrong with a text whatever it says.
func fixBytes(data []byte) (next []byte, repair Repair) {
	if text, is := fromUTF16(data); is {
		return text, Repair{1, "yaml-encoding", "the file is UTF-8 now"}
	}
	if bytes.HasPrefix(data, utf8BOM) {
		return data[len(utf8BOM):], Repair{1, "yaml-bom", "the byte order mark is gone"}
	}
	if at := bytes.Index(data, []byte("\r\n")); at >= 0 {
		next = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
		before, after := Read(FileName, data), Read(FileName, next)
		if before.root == nil && after.root == nil || before.root != nil && after.root != nil &&
			reflect.DeepEqual(before.root.plain(false), after.root.plain(false)) {
			return next, Repair{Line: bytes.Count(data[:at], []byte("\n")) + 1, Message: "lines end with a line feed alone"}
		}
	}
	return nil, Repair{}
}

// fromUTF16 is the text of a file with the byte order mark of UTF-16, if it is whole.
func fromUTF16(data []byte) (text []byte, is bool) {
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case len(data) < 2 || len(data)%2 != 0:
		return nil, false
	case data[0] == 0xfe && data[1] == 0xff:
		order = binary.BigEndian
	case data[0] != 0xff || data[1] != 0xfe:
		return nil, false
	}
	var units []uint16
	for i := 2; i < len(data); i += 2 {
		units = append(units, order.Uint16(data[i:]))
	}
	runes := utf16.Decode(units)
	if !slices.Equal(utf16.Encode(runes), units) || slices.Contains(runes, '\ufffd') || len(runes) == 0 {
		return nil, false
	}
	return []byte(string(runes)), true
}

// edit is a change of the text that is meant to have the manifest say something.
type edit struct {
	rule, message string
	at            int // what it is about
	cuts          []cut
	want          any // what the manifest says then, as plain has it
}

// cut replaces a part of the text.
type cut struct {
	start, end int
	text       string
}

// apply makes the cuts, which do not overlap.
func (e edit) apply(data []byte) []byte {
	cuts := slices.SortedStableFunc(slices.Values(e.cuts), func(a, b cut) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end))
	})
	var out []byte
	at := 0
	for _, c := range cuts {
		out = append(append(out, data[at:c.start]...), c.text...)
		at = c.end
	}
	return append(out, data[at:]...)
}

// edits are the changes that may be made, of which some turn out to be none.
func (d *Document) edits() []edit {
	var all []edit
	for _, v := range violations(d.root.plain(true)) {
		parent, _, found := d.root.find(v.path[:max(len(v.path)-1, 0)])
		if !found || len(v.path) == 0 {
			continue
		}
		key, isKey := last(v.path).(string)
		switch {
		case v.keyword == "type" && fmt.Sprint(v.limit) == "array":
			all = append(all, d.intoList(v.path)...)
		case v.keyword == "additionalProperties" && isKey && parent.field(key) != nil && !parent.field(key).merged:
			all = append(all, d.renames(v.path, parent, key)...)
			all = append(all, d.moves(v.path, parent, key)...)
		}
	}
	return append(all, d.versionComment()...)
}

// changed is what the manifest says after a change of its plain form.
func (d *Document) changed(change func(root map[string]any)) any {
	root := d.root.plain(false).(map[string]any)
	change(root)
	return root
}

// at is the mapping at a path of a plain manifest.
func at(root map[string]any, path []any) map[string]any {
	var value any = root
	for _, step := range path {
		switch step := step.(type) {
		case string:
			value = value.(map[string]any)[step]
		case int:
			value = value.([]any)[step]
		}
	}
	mapping, _ := value.(map[string]any)
	return mapping
}

// renames gives a key the spelling of the one that it can only mean.
func (d *Document) renames(path []any, parent *value, key string) []edit {
	level := levelOf(path)
	meant, known := renamed[key]
	if !known || !level.knows(meant) {
		meant = level.respelt(key)
	}
	if meant == "" || parent.field(meant) != nil {
		return nil
	}
	f := parent.field(key)
	start, end := f.key, f.key+len(key)
	if quote := d.Raw[start]; (quote == '"' || quote == '\'') && key != "" && key[0] != quote {
		start, end = start+1, end+1
	}
	if end > len(d.Raw) || string(d.Raw[start:end]) != key {
		return nil
	}
	rename := edit{
		rule: "key-unknown", message: fmt.Sprintf("%q is %q", key, meant), at: f.key, cuts: []cut{{start, end, meant}},
		want: d.changed(func(root map[string]any) {
			mapping := at(root, path[:len(path)-1])
			mapping[meant] = mapping[key]
			delete(mapping, key)
		}),
	}
	property, _ := level.properties()[meant].(map[string]any)
	list, items, ok := d.listed(f.value, meant)
	if property["type"] != "array" || !ok {
		return []edit{rename}
	}
	both := rename
	both.cuts = append(slices.Clone(rename.cuts), list)
	both.want = d.changed(func(root map[string]any) {
		mapping := at(root, path[:len(path)-1])
		mapping[meant] = items
		delete(mapping, key)
	})
	return []edit{both}
}

// respelt is the key of the level that differs in its case, or in what stands between its words, alone.
func (l *level) respelt(key string) string {
	letters := func(s string) string {
		return strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(s))
	}
	for _, known := range l.keys() {
		if known != key && letters(known) == letters(key) {
			return known
		}
	}
	return ""
}

// intoList writes the list that a text stands for: ftp is [ftp].
func (d *Document) intoList(path []any) []edit {
	v, of, found := d.root.find(path)
	if !found || of == nil || of.merged {
		return nil
	}
	list, items, ok := d.listed(v, of.name)
	if !ok {
		return nil
	}
	return []edit{{
		rule: "kind", message: fmt.Sprintf("%q is a list", of.name), at: of.key, cuts: []cut{list},
		want: d.changed(func(root map[string]any) { at(root, path[:len(path)-1])[of.name] = items }),
	}}
}

// listed is a plain text, as the value of a key, written as the list of its words. Text with other signs is left alone, and so
// are arguments of more than one word, which a shell would take apart in its own way.
func (d *Document) listed(v *value, key string) (list cut, items []any, ok bool) {
	end := v.offset + len(v.text)
	if v.kind() != yaml.ScalarNode || v.node.Style != 0 || v.node.Anchor != "" || end > len(d.Raw) || string(d.Raw[v.offset:end]) != v.text {
		return cut{}, nil, false
	}
	words := strings.FieldsFunc(v.text, func(r rune) bool { return r == ',' || r == ' ' })
	for _, word := range words {
		if strings.ContainsAny(word, "[]{}()\"'`#&*!|>%@:") {
			return cut{}, nil, false
		}
		items = append(items, word)
	}
	if len(items) == 0 || key == "args" && len(items) > 1 {
		return cut{}, nil, false
	}
	return cut{v.offset, end, "[" + strings.Join(words, ", ") + "]"}, items, true
}

// versionComment makes a comment of the key "version", so that what it says is not lost.
func (d *Document) versionComment() []edit {
	f := d.root.field("version")
	if f == nil || f.merged || d.root.node.Style&yaml.FlowStyle != 0 || f.value.kind() != yaml.ScalarNode || f.value.node.Anchor != "" {
		return nil
	}
	start, end := d.extent([]any{"version"})
	if d.lines.lineOf(start) != d.lines.lineOf(max(start, end-1)) || d.lines.start(d.lines.lineOf(start)) != f.key {
		return nil
	}
	return []edit{{
		rule: "version-key", message: "\"version\" is a comment: tag the commit, or give kpkg create the version", at: f.key,
		cuts: []cut{{f.key, f.key, "# "}},
		want: d.changed(func(root map[string]any) { delete(root, "version") }),
	}}
}
