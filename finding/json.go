package finding

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// JSONVersion is the version of all JSON that kpkg's commands print, whose schema is schema/report.schema.json. It changes
// only when a field goes away or changes its meaning; fields may be added.
const JSONVersion = 2

var _ = register("json", writeJSON)

// writeJSON writes {"version": 2, "command": ..., "errors": 0, "warnings": 1, "findings": [...]} and the report's lists,
// one item at a time: a package may have ten thousand files.
func writeJSON(w io.Writer, r *Report) error {
	j := jsonWriter{w: w}
	j.text("{\n  \"version\": %d,\n  \"command\": ", JSONVersion)
	j.value(r.Command, "  ")
	j.text(",\n  \"errors\": %d,\n  \"warnings\": %d", r.Count(Error), r.Count(Warning))
	for _, list := range append([]List{NewList("findings", r.Findings)}, r.Lists...) {
		j.list(list)
	}
	j.text("\n}\n")
	return j.err
}

// jsonWriter keeps the first error.
type jsonWriter struct {
	w   io.Writer
	err error
}

func (j *jsonWriter) text(format string, args ...any) {
	if j.err == nil {
		_, j.err = fmt.Fprintf(j.w, format, args...)
	}
}

// value writes an item, whose lines after the first begin with the indentation.
func (j *jsonWriter) value(item any, indentation string) {
	if j.err != nil {
		return
	}
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetIndent(indentation, "  ")
	encoder.SetEscapeHTML(false)
	if j.err = encoder.Encode(item); j.err == nil {
		_, j.err = j.w.Write(escaped(bytes.TrimRight(buffer.Bytes(), "\n")))
	}
}

// escaped is JSON with escapes for what Printable escapes and encoding/json leaves as it is: control characters beyond ASCII,
// some of which terminals obey, and those that turn the direction of text. They stand in strings only.
func escaped(data []byte) []byte {
	odd := func(r rune) bool { return r >= 0x7f && !unicode.IsPrint(r) }
	if bytes.IndexFunc(data, odd) < 0 {
		return data
	}
	var out []byte
	for _, r := range string(data) {
		if !odd(r) {
			out = utf8.AppendRune(out, r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out
}

func (j *jsonWriter) list(list List) {
	j.text(",\n  %q: [", list.Name)
	n := 0
	add := func(item any) error {
		if n > 0 {
			j.text(",")
		}
		n++
		j.text("\n    ")
		j.value(item, "    ")
		return j.err
	}
	for _, item := range list.Items {
		if add(item) != nil {
			return
		}
	}
	if list.More != nil {
		if err := list.More(add); err != nil {
			j.err = err
		}
	}
	if n > 0 {
		j.text("\n  ")
	}
	j.text("]")
}
