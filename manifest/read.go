package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/PlakarKorp/kpkg/finding"
)

var utf8BOM = []byte("\ufeff")

// Document is a manifest.yaml as it was written: its content, and where in the file each part of it stands.
type Document struct {
	// File is what findings call the file.
	File string
	// Raw is the file's content.
	Raw []byte
	// Manifest is what could be decoded: the zero value where the file says nothing or nothing decodable.
	Manifest Manifest

	lines    *lines
	root     *value // nil when the YAML is unusable
	problems []problem
	packed   []byte
}

// problem is a finding whose severity may depend on CheckOptions.Strict.
type problem struct {
	finding.Finding
	strict bool // plakar's next validator refuses it: an error under Strict
}

// Read decodes data, the content of the manifest that findings call file. It never fails: whatever is wrong is among the
// findings of Check, which says nothing but that when the YAML itself cannot be used.
func Read(file string, data []byte) *Document {
	d := &Document{File: file, Raw: data, packed: data}
	if len(data) > MaxSize {
		d.lines = newLines(nil)
		d.problem(finding.Finding{
			Rule:     "yaml-size",
			Severity: finding.Error,
			Message:  fmt.Sprintf("the manifest is larger than %d bytes", MaxSize),
			Hint:     "keep the manifest to what plakar reads; other files belong into extra_files",
		})
		return d
	}
	d.lines = newLines(data)
	if !d.checkEncoding() {
		return d
	}
	d.root = d.parse()
	if d.root == nil {
		return d
	}
	d.Manifest = d.root.manifest()
	d.packed = d.pack()
	return d
}

func (d *Document) problem(f finding.Finding) {
	f.File = d.File
	d.problems = append(d.problems, problem{Finding: f})
}

// problemAt adds a problem of severity error at a byte offset.
func (d *Document) problemAt(offset int, rule, message, hint string) {
	line, column := d.lines.position(offset)
	d.problem(finding.Finding{
		Rule: rule, Severity: finding.Error, Line: line, Column: column, Message: message, Hint: hint,
	})
}

// checkEncoding reports whether the bytes are UTF-8, the only encoding that packages and editors agree on.
func (d *Document) checkEncoding() bool {
	if bytes.HasPrefix(d.Raw, utf8BOM) {
		d.problem(finding.Finding{
			Rule: "yaml-bom", Severity: finding.Warning, Line: 1, Column: 1,
			Message: "the file starts with a byte order mark",
			Hint:    "save it as UTF-8 without one",
		})
	}
	if isUTF16(d.Raw) {
		d.problemAt(0, "yaml-encoding", "the file is UTF-16", "save the file as UTF-8")
		return false
	}
	for i := 0; i < len(d.Raw); {
		r, size := utf8.DecodeRune(d.Raw[i:])
		if r == utf8.RuneError && size == 1 {
			d.problemAt(i, "yaml-encoding", fmt.Sprintf("byte 0x%02x is not UTF-8", d.Raw[i]), "save the file as UTF-8")
			return false
		}
		i += size
	}
	return true
}

// isUTF16 tells by a byte order mark, or by the zero that every other byte is in text that is mostly ASCII.
func isUTF16(data []byte) bool {
	return len(data) > 1 && (data[0] == 0xff && data[1] == 0xfe || data[0] == 0xfe && data[1] == 0xff ||
		(data[0] == 0) != (data[1] == 0))
}

// parse reads the first YAML document and reports what follows it. It returns nil, after reporting why, when there is
// nothing to go on with.
func (d *Document) parse() *value {
	decoder := yaml.NewDecoder(bytes.NewReader(d.Raw))
	first, err := decode(decoder)
	switch {
	case errors.Is(err, io.EOF), err == nil && isNull(first.Content[0]):
		d.problem(finding.Finding{
			Rule: "yaml-empty", Severity: finding.Error, Message: "the manifest is empty",
			Hint: "start with name, description and connectors",
		})
		return nil
	case err != nil:
		d.syntax(err)
		return nil
	}
	switch second, err := decode(decoder); {
	case err == nil:
		d.trailing(d.lines.offset(second))
	case !errors.Is(err, io.EOF):
		d.trailing(d.lines.start(d.failingLine(err)))
	}
	return d.resolve(first.Content[0])
}

// decode reads the next document of decoder. yaml.v3 has input it panics on: that is an error here.
func decode(decoder *yaml.Decoder) (document *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: the parser gave up: %v", r)
		}
	}()
	document = new(yaml.Node)
	if err := decoder.Decode(document); err != nil {
		return nil, err
	}
	return document, nil
}

// CheckYAML is what makes a text unusable as one YAML document, and where: findings of severity error about file, none for an
// empty text. It knows nothing of what the text is to say.
func CheckYAML(file string, data []byte) []finding.Finding {
	d := &Document{File: file, Raw: data, lines: newLines(data)}
	if d.checkEncoding() {
		d.parse()
	}
	var findings []finding.Finding
	for _, p := range d.problems {
		if p.Severity == finding.Error && p.Rule != "yaml-empty" {
			findings = append(findings, p.Finding)
		}
	}
	return findings
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func (d *Document) trailing(offset int) {
	line, column := d.lines.position(offset)
	d.problems = append(d.problems, problem{strict: true, Finding: finding.Finding{
		Rule: "yaml-documents", Severity: finding.Warning, File: d.File, Line: line, Column: column,
		Message: "a second YAML document starts here; plakar reads the first only",
		Hint:    "remove it",
	}})
}
