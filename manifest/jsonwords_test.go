package manifest

import (
	"context"
	"strings"
	"testing"
)

// TestJSONWords holds that no fault of a validator is told in the words of the library.
func TestJSONWords(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": 1,}`:       "1:9: error: the schema is not JSON: a comma stands before }",
		`{a: 1}`:          "a key in double quotes is expected, not 'a'",
		`{'a': 1}`:        `a key in double quotes is expected, not "'"`,
		`{"a": b}`:        "a value is expected, not 'b'",
		`{"a": 1 "b"}`:    `a comma or } is expected, not '"'`,
		`{"a": [1 2]}`:    "a comma or ] is expected, not '2'",
		`{"a" 1}`:         "a colon is expected, not '1'",
		`{"a": "\q"}`:     "'q' makes no escape",
		`{"a": "\u0x"}`:   "'x' is no hexadecimal digit",
		`{"a": trUe}`:     "is in no word of JSON",
		`{"a": 1.x}`:      "'x' is in no number",
		`{"a": "`:         "it ends too early",
		"{\"a\": \"\n\"}": "has to be escaped in a string",
	} {
		findings, err := CheckValidator(context.Background(), "f", []byte(text), false)
		if err != nil || len(findings) != 1 || !strings.Contains(findings[0].String(), want) {
			t.Errorf("%s: %v, %v; want %s", text, findings, err, want)
		}
	}
}
