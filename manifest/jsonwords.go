package manifest

import (
	"fmt"
	"strings"
)

// jsonWords say of the next character of a JSON text what encoding/json says of its state.
var jsonWords = []struct{ library, words string }{
	{"looking for beginning of object key string", "a key in double quotes is expected, not %s"},
	{"looking for beginning of value", "a value is expected, not %s"},
	{"after object key:value pair", "a comma or } is expected, not %s"},
	{"after array element", "a comma or ] is expected, not %s"},
	{"after object key", "a colon is expected, not %s"},
	{"after top-level value", "it has ended before %s"},
	{"in string escape code", "%s makes no escape"},
	{"in \\u hexadecimal character escape", "%s is no hexadecimal digit"},
	{"in string literal", "%s has to be escaped in a string"},
	{"in literal", "%s is in no word of JSON: these are true, false and null"},
	{"in numeric literal", "%s is in no number"},
}

// inJSON is an error of encoding/json in terms of the text.
func inJSON(err error) string {
	character, state, found := strings.Cut(strings.TrimPrefix(err.Error(), "invalid character "), "' ")
	if found {
		if character += "'"; character == `'\''` {
			character = `"'"`
		}
		if character == "'}'" && strings.HasSuffix(state, "object key string") {
			return "a comma stands before }"
		}
		for _, known := range jsonWords {
			if strings.Contains(state, known.library) {
				return fmt.Sprintf(known.words, character)
			}
		}
	}
	return "it cannot be read from here on"
}
