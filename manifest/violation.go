package manifest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/PlakarKorp/kpkg/schema"
)

// violation is one departure of a manifest from the schema.
type violation struct {
	path    []any          // of the value at fault, or of the key that is missing or unknown
	keyword string         // of the schema: "enum", "required", ...; "false" where the schema allows no value
	limit   any            // the keyword's value
	schema  map[string]any // what holds the keyword, with its title and examples
	ofKey   bool           // the last key of path is at fault, not its value
	claimed bool           // by the rule that reports it
}

// schemaDocument reads the embedded schema when it is first needed, compiledSchema compiles it, which takes many times as long:
// whoever only asks for its keys and values does not pay for that, nor kpkg for either to print its version.
var (
	schemaDocument = sync.OnceValue(func() (document any) {
		if err := json.Unmarshal(schema.Manifest, &document); err != nil {
			panic(err) // the embedded schema is at fault; a test reads it
		}
		return document
	})
	compiledSchema = sync.OnceValue(func() *jsonschema.Schema {
		const location = "kpkg:///manifest.schema.json"
		compiler := jsonschema.NewCompiler()
		compiler.LoadURL = refuseURL
		err := compiler.AddResource(location, bytes.NewReader(schema.Manifest))
		compiled, compileErr := compiler.Compile(location)
		if err := cmp.Or(err, compileErr); err != nil {
			panic(err) // as above
		}
		return compiled
	})
)

func refuseURL(location string) (io.ReadCloser, error) {
	return nil, fmt.Errorf("%s is outside the schema", location)
}

// violations validates a manifest and takes the library's errors apart: it locates them by two JSON pointers, into the
// schema and into the manifest, but puts missing and unknown keys at their parent and names them in prose only. These are
// worked out here from the schema. The order is that of the paths.
func violations(instance any) []*violation {
	document := schemaDocument()
	var failure *jsonschema.ValidationError
	if !errors.As(compiledSchema().Validate(instance), &failure) {
		return nil
	}
	var all []*violation
	var visit func(e *jsonschema.ValidationError)
	visit = func(e *jsonschema.ValidationError) {
		_, pointer, _ := strings.Cut(e.AbsoluteKeywordLocation, "#")
		steps := splitPointer(pointer)
		alternatives := len(steps) > 0 && steps[len(steps)-1] == "anyOf"
		if len(e.Causes) > 0 && !alternatives {
			for _, cause := range e.Causes {
				visit(cause)
			}
			return
		}
		if i := slices.Index(steps, "dependentRequired"); i >= 0 {
			steps = steps[:i+1]
		}
		path, value := follow(instance, splitPointer(e.InstanceLocation))
		_, at := follow(document, steps)
		v := violation{path: path, keyword: steps[len(steps)-1], limit: at, ofKey: slices.Contains(steps, "propertyNames")}
		if e.Message == "not allowed" {
			v.keyword = "false"
		}
		_, parent := follow(document, steps[:len(steps)-1])
		v.schema, _ = parent.(map[string]any)
		object, _ := value.(map[string]any)
		switch v.keyword {
		case "required":
			for _, key := range texts(v.limit) {
				if _, found := object[key]; !found {
					all = append(all, v.of(key))
				}
			}
		case "additionalProperties":
			known, _ := v.schema["properties"].(map[string]any)
			for key := range object {
				if _, found := known[key]; !found {
					all = append(all, v.of(key))
				}
			}
		default:
			all = append(all, &v)
		}
	}
	visit(failure)
	slices.SortStableFunc(all, func(a, b *violation) int {
		return cmp.Or(cmp.Compare(fmt.Sprint(a.path...), fmt.Sprint(b.path...)), cmp.Compare(a.keyword, b.keyword))
	})
	return all
}

// of is the violation at a key below.
func (v violation) of(key string) *violation {
	v.path = append(slices.Clone(v.path), key)
	return &v
}

// splitPointer undoes the library's escaping of JSON pointers.
func splitPointer(pointer string) []string {
	if pointer == "" {
		return nil
	}
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, step := range steps {
		if unescaped, err := url.PathUnescape(step); err == nil {
			step = unescaped
		}
		steps[i] = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
	}
	return steps
}

// follow walks from a JSON value along steps, of which it returns those of lists as indexes.
func follow(value any, steps []string) (path []any, at any) {
	for _, step := range steps {
		switch parent := value.(type) {
		case []any:
			index, err := strconv.Atoi(step)
			if err != nil || index < 0 || index >= len(parent) {
				return path, nil
			}
			path, value = append(path, index), parent[index]
		case map[string]any:
			path, value = append(path, step), parent[step]
		default:
			return append(path, step), nil
		}
	}
	return path, value
}

// texts is a list of strings out of a JSON document.
func texts(list any) []string {
	items, _ := list.([]any)
	var texts []string
	for _, item := range items {
		if text, ok := item.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}
