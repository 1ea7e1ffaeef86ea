package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp/syntax"
	"strconv"
	"strings"
)

// budget is what is left of the limits on all validators of a manifest.
type budget struct{ values, schemas, regexps int }

func newBudget() *budget { return &budget{maxValues, maxSchemas, maxSchemaRegexps} }

// excess says which limit a schema goes over, and where.
type excess struct {
	offset  int
	message string
}

func (e *excess) Error() string { return e.message }

// jsonOffsets maps the JSON pointer of every value of a schema to its offset. The schema has been decoded before, so that it
// is known to be well formed. The error is an *excess.
func jsonOffsets(data []byte, left *budget) (map[string]int, error) {
	w := &jsonWalker{data: data, decoder: json.NewDecoder(bytes.NewReader(data)), left: left, offsets: map[string]int{}}
	w.decoder.UseNumber()
	if err := w.value("", "", 0); err != nil {
		return nil, err
	}
	return w.offsets, nil
}

type jsonWalker struct {
	data    []byte
	decoder *json.Decoder
	left    *budget
	offsets map[string]int
}

// next is the next token, and the offset where it starts.
func (w *jsonWalker) next() (json.Token, int) {
	offset := int(w.decoder.InputOffset())
	offset += len(w.data[offset:]) - len(bytes.TrimLeft(w.data[offset:], " \t\r\n,:"))
	token, err := w.decoder.Token()
	if err != nil {
		return nil, offset
	}
	return token, offset
}

// value walks the value at a pointer, that of a key or, for key "", of a list or the document.
func (w *jsonWalker) value(pointer, key string, depth int) error {
	token, offset := w.next()
	w.offsets[pointer] = offset
	if err := w.count(token, key, depth); err != nil {
		return &excess{offset, err.Error()}
	}
	switch token {
	case json.Delim('{'):
		for w.decoder.More() {
			token, at := w.next()
			name, _ := token.(string)
			if len(name) > maxSchemaKey {
				return &excess{at, fmt.Sprintf("a key is longer than %d bytes", maxSchemaKey)}
			}
			if err := w.countRegexp(name, key == "patternProperties"); err != nil {
				return &excess{at, err.Error()}
			}
			if err := w.value(pointer+"/"+escapePointer(name), name, depth+1); err != nil {
				return err
			}
		}
		w.next()
	case json.Delim('['):
		for i := 0; w.decoder.More(); i++ {
			if err := w.value(pointer+"/"+strconv.Itoa(i), "", depth+1); err != nil {
				return err
			}
		}
		w.next()
	}
	return nil
}

// count holds one value against the limits.
func (w *jsonWalker) count(token json.Token, key string, depth int) error {
	if w.left.values--; w.left.values < 0 {
		return fmt.Errorf("all validators together hold more than %d values", maxValues)
	}
	if depth > maxSchemaDepth {
		return fmt.Errorf("values are nested more than %d deep", maxSchemaDepth)
	}
	switch token := token.(type) {
	case bool:
		return w.countSchema()
	case json.Delim:
		if token == '{' {
			return w.countSchema()
		}
	case json.Number:
		_, power, _ := strings.Cut(strings.ToLower(token.String()), "e")
		if exponent, err := strconv.Atoi(power); len(token) > maxSchemaNumber ||
			power != "" && (err != nil || max(exponent, -exponent) > maxSchemaExponent) {
			return fmt.Errorf("the number %.20s is out of range", token)
		}
	case string:
		return w.countRegexp(token, key == "pattern")
	}
	return nil
}

func (w *jsonWalker) countSchema() error {
	if w.left.schemas--; w.left.schemas < 0 {
		return fmt.Errorf("all validators together hold more than %d objects", maxSchemas)
	}
	return nil
}

// countRegexp counts a regular expression; one that is none is for the schema library to report.
func (w *jsonWalker) countRegexp(expression string, isRegexp bool) error {
	if !isRegexp {
		return nil
	}
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil
	}
	if w.left.regexps -= regexpSize(parsed); w.left.regexps < 0 {
		return fmt.Errorf("all regular expressions of the validators together take more than %d instructions", maxSchemaRegexps)
	}
	return nil
}

// regexpSize estimates the instructions of an expression, up to somewhat above maxSchemaRegexps.
func regexpSize(e *syntax.Regexp) int {
	size := 1
	if e.Op == syntax.OpLiteral {
		size = len(e.Rune)
	}
	for _, sub := range e.Sub {
		size += regexpSize(sub)
	}
	if e.Op == syntax.OpRepeat {
		size *= max(e.Min, e.Max, 1)
	}
	return min(size, 2*maxSchemaRegexps)
}

func joinPointer(steps []string) string {
	var pointer strings.Builder
	for _, step := range steps {
		pointer.WriteString("/" + escapePointer(step))
	}
	return pointer.String()
}

func escapePointer(step string) string {
	return strings.ReplaceAll(strings.ReplaceAll(step, "~", "~0"), "/", "~1")
}
