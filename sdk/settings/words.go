package settings

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// words say what is wrong, by the keyword of the schema and without the value: the library's own repeat values and lengths.
func words(e *jsonschema.ValidationError, source any, document map[string]any) []string {
	_, pointer, _ := strings.Cut(e.AbsoluteKeywordLocation, "#")
	above, keyword := "", pointer
	if i := strings.LastIndexByte(pointer, '/'); i >= 0 {
		above, keyword = pointer[:i], pointer[i+1:]
	}
	limit := at(source, pointer)
	key := unescaped(strings.TrimPrefix(e.InstanceLocation, "/"))
	if _, of, dependent := strings.Cut(pointer, "/dependentRequired/"); dependent { // whose keyword is a key and a number
		of, _, _ = strings.Cut(of, "/")
		return []string{text(limit) + " is required with " + unescaped(of)}
	}
	if key == "" {
		return wordsOfAll(keyword, limit, at(source, above), document)
	}
	if limit == false { // a schema that is nothing but that
		return []string{key + " is not allowed"}
	}
	text := text(limit)
	switch keyword {
	case "type":
		return []string{key + " is no " + strings.ReplaceAll(text, ", ", " or ")}
	case "enum":
		return []string{key + " is none of " + text}
	case "const":
		return []string{key + " is not " + text}
	case "pattern":
		return []string{key + " does not match " + text}
	case "format":
		return []string{key + " is no " + text}
	case "minLength":
		if text == "1" {
			return []string{key + " is empty"}
		}
		return []string{key + " has less than " + text + " characters"}
	case "maxLength":
		return []string{key + " has more than " + text + " characters"}
	case "minimum":
		return []string{key + " is less than " + text}
	case "maximum":
		return []string{key + " is more than " + text}
	case "exclusiveMinimum":
		return []string{key + " is not more than " + text}
	case "exclusiveMaximum":
		return []string{key + " is not less than " + text}
	case "multipleOf":
		return []string{key + " is no multiple of " + text}
	}
	return []string{fmt.Sprintf("%s is refused by %q in the schema", key, keyword)}
}

// wordsOfAll are about the configuration as a whole.
func wordsOfAll(keyword string, limit, schema any, document map[string]any) []string {
	var faults []string
	switch keyword {
	case "required":
		for _, key := range list(limit) {
			if _, given := document[key]; !given {
				faults = append(faults, key+" is required")
			}
		}
	case "additionalProperties", "unevaluatedProperties":
		for _, key := range unknown(schema, document) {
			faults = append(faults, key+" is no setting")
		}
	}
	if faults == nil {
		faults = []string{fmt.Sprintf("the settings together are refused by %q in the schema", keyword)}
	}
	return faults
}

// unknown are the keys that a schema has no property for.
func unknown(schema any, document map[string]any) []string {
	object, _ := schema.(map[string]any)
	properties, _ := object["properties"].(map[string]any)
	patterns, _ := object["patternProperties"].(map[string]any)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(document)), func(key string) bool {
		_, known := properties[key]
		for pattern := range patterns {
			matched, err := regexp.MatchString(pattern, key)
			known = known || err == nil && matched
		}
		return known
	})
}

// at is what a JSON pointer leads to, nil if that is nothing.
func at(value any, pointer string) any {
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if step == "" {
			continue
		}
		switch inside := value.(type) {
		case map[string]any:
			value = inside[unescaped(step)]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(inside) {
				return nil
			}
			value = inside[i]
		default:
			return nil
		}
	}
	return value
}

// unescaped is a step of a JSON pointer (RFC 6901) in the fragment of a URL.
func unescaped(step string) string {
	if decoded, err := url.PathUnescape(step); err == nil {
		step = decoded
	}
	return strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
}

// list are the texts of an array.
func list(value any) []string {
	all, _ := value.([]any)
	var texts []string
	for _, one := range all {
		texts = append(texts, text(one))
	}
	return texts
}

// text is a limit as the schema writes it.
func text(limit any) string {
	switch limit := limit.(type) {
	case string:
		return limit
	case []any:
		return strings.Join(list(limit), ", ")
	}
	encoded, err := json.Marshal(limit)
	if err != nil {
		return ""
	}
	return string(encoded)
}
