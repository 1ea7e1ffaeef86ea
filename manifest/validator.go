package manifest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/PlakarKorp/kpkg/finding"
)

// validatorFindings checks each validator that is in the tree once. The error is that of an ended ctx.
func (c *checker) validatorFindings(ctx context.Context) ([]finding.Finding, error) {
	var findings []finding.Finding
	seen := map[string]bool{}
	left := newBudget()
	for _, connector := range c.Manifest.Connectors {
		name, fault := localPath(connector.Validator)
		if c.opts.Tree == nil || fault != "" || seen[name] {
			continue
		}
		seen[name] = true
		data, err := readRegular(c.opts.Tree, name)
		if err != nil {
			continue // reported by file-missing or file-kind
		}
		file := path.Join(path.Dir(filepath.ToSlash(c.File)), name)
		found, err := checkValidator(ctx, file, data, c.opts.Strict, left)
		if err != nil {
			return nil, err
		}
		findings = append(findings, found...)
	}
	return findings, nil
}

// readRegular reads a regular file, and no more of it than shows that it is too large.
func readRegular(tree fs.FS, name string) ([]byte, error) {
	if info, err := lstat(tree, name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fs.ErrInvalid
	}
	f, err := tree.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxValidatorSize+1))
}

// validatorChecks are the rules on a connector's schema, in the order of plakar's next validator. Each stops at what would
// make the following ones meaningless by returning false.
var validatorChecks = []struct {
	rule string
	run  func(*validator) bool
}{
	{"validator-json", (*validator).isJSON},
	{"validator-limit", (*validator).isWithinLimits},
	{"validator-compile", (*validator).compiles},
	{"validator-type", (*validator).rootIsObject},
	{"validator-property", (*validator).propertiesHaveTypes},
	{"validator-nested", (*validator).isFlat},
	{"validator-enum", (*validator).enumsAreStrings},
}

// CheckValidator judges the JSON schema of a connector's configuration, which findings call file. plakar today packs any
// JSON object; its next validator wants a schema that compiles, of one object with scalar fields. The findings are sorted; the
// error is that of an ended ctx.
func CheckValidator(ctx context.Context, file string, data []byte, strict bool) ([]finding.Finding, error) {
	return checkValidator(ctx, file, data, strict, newBudget())
}

func checkValidator(ctx context.Context, file string, data []byte, strict bool, left *budget) ([]finding.Finding, error) {
	v := &validator{
		checker: checker{
			Document: &Document{File: file, Raw: data, lines: newLines(data)},
			opts:     CheckOptions{Strict: strict},
		},
		ctx:  ctx,
		left: left,
	}
	for _, check := range validatorChecks {
		v.rule = check.rule
		if !check.run(v) {
			break
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	finding.Sort(v.findings)
	return v.findings, nil
}

// validator is the state of one CheckValidator.
type validator struct {
	checker
	ctx     context.Context
	left    *budget
	offsets map[string]int // of each value, by JSON pointer
	schema  *jsonschema.Schema
}

// locate is the place of the value that a JSON pointer of the schema library names, or of the nearest one around it.
func (v *validator) locate(pointer string) place {
	steps := splitPointer(pointer)
	for {
		if offset, found := v.offsets[joinPointer(steps)]; found {
			return v.place(offset)
		}
		if len(steps) == 0 {
			return place{}
		}
		steps = steps[:len(steps)-1]
	}
}

func (v *validator) place(offset int) place {
	line, column := v.lines.position(offset)
	return place{line, column}
}

// isJSON reports what plakar cannot read as one JSON object when it packs the file.
func (v *validator) isJSON() bool {
	if len(v.Raw) > MaxValidatorSize {
		v.error(place{}, "", "the schema is larger than %d bytes", MaxValidatorSize)
		return false
	}
	if fault, hint := notAnObject(v.Raw); fault != "" {
		v.error(place{1, 1}, hint, "the schema is not JSON: %s", fault)
		return false
	}
	decoder := json.NewDecoder(bytes.NewReader(v.Raw))
	var object map[string]any
	err := decoder.Decode(&object)
	var syntax *json.SyntaxError
	var number *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		v.error(place{}, "", "the schema is empty")
	case errors.As(err, &syntax):
		v.error(v.place(int(max(syntax.Offset-1, 0))), "", "the schema is not JSON: %s", inJSON(err))
	case errors.Is(err, io.ErrUnexpectedEOF):
		v.error(v.place(len(v.Raw)), "", "the schema is not JSON: it ends too early")
	case object == nil:
		v.error(place{1, 1}, "", "the schema must be a JSON object")
	case errors.As(err, &number):
		v.error(v.place(int(number.Offset)), "", "the schema holds the %s, which is out of range", number.Value)
	default:
		end := int(decoder.InputOffset())
		if rest := bytes.TrimLeft(v.Raw[end:], " \t\r\n"); len(rest) > 0 {
			v.refused(v.place(len(v.Raw)-len(rest)), "remove it", "something follows the schema")
			return false
		}
		return true
	}
	return false
}

// notAnObject says of a text that begins as no JSON does what it begins with.
func notAnObject(data []byte) (fault, hint string) {
	const inUTF8 = "save it as UTF-8 without one"
	switch {
	case bytes.HasPrefix(data, utf8BOM):
		return "it starts with a byte order mark", inUTF8
	case isUTF16(data):
		return "it is UTF-16", "save it as UTF-8"
	}
	text := bytes.TrimLeft(data, " \t\r\n")
	if len(text) == 0 || bytes.IndexByte([]byte("{[\"-0123456789"), text[0]) >= 0 || json.Valid(text) {
		return "", ""
	}
	r, _ := utf8.DecodeRune(text)
	return fmt.Sprintf("it starts with %q, and a schema with {", string(r)), "YAML and comments are no JSON"
}

// isWithinLimits reports a schema that would take too long to judge.
func (v *validator) isWithinLimits() bool {
	offsets, err := jsonOffsets(v.Raw, v.left)
	var over *excess
	if errors.As(err, &over) {
		v.error(v.place(over.offset), "keep to the options that users set", "too much to be judged: %s", over.message)
		return false
	}
	v.offsets = offsets
	return true
}

// compiles reports what is no JSON schema of its draft, or not one by itself.
func (v *validator) compiles() bool {
	compiled, err := compileWithin(v.ctx, v.Raw)
	if err == nil {
		v.schema = compiled
		return true
	}
	var invalid *jsonschema.ValidationError
	if errors.As(err, &invalid) {
		leaf := deepest(invalid)
		v.refused(v.locate(leaf.InstanceLocation), "", "not a JSON schema: %s at #%s", leaf.Message, leaf.InstanceLocation)
		return false
	}
	v.refused(place{1, 1}, "use local references such as #/$defs/x only", "the schema does not compile: %s",
		strings.TrimPrefix(innermost(err).Error(), validatorBase))
	return false
}

// compileWithin is compile that an ended ctx does not wait for: the library cannot be stopped and may need a second more.
func compileWithin(ctx context.Context, data []byte) (*jsonschema.Schema, error) {
	type outcome struct {
		compiled *jsonschema.Schema
		err      error
	}
	done := make(chan outcome, 1)
	go func() {
		compiled, err := compile(data)
		done <- outcome{compiled, err}
	}()
	select {
	case o := <-done:
		return o.compiled, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// validatorBase is what references of a validator to other files begin with.
const validatorBase = "kpkg:///"

// compile compiles a schema that may not refer to anything outside it. The library panics on some schemas.
func compile(data []byte) (compiled *jsonschema.Schema, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the schema library gave up: %v", r)
		}
	}()
	const location = validatorBase + "validator"
	compiler := jsonschema.NewCompiler()
	compiler.LoadURL = refuseURL
	if err := compiler.AddResource(location, bytes.NewReader(data)); err != nil {
		return nil, err
	}
	return compiler.Compile(location)
}

// deepest is the most specific of the reasons that the library gives, and always the same one.
func deepest(e *jsonschema.ValidationError) *jsonschema.ValidationError {
	best := e
	for _, cause := range e.Causes {
		leaf := deepest(cause)
		longer := cmp.Or(
			cmp.Compare(strings.Count(leaf.InstanceLocation, "/"), strings.Count(best.InstanceLocation, "/")),
			cmp.Compare(leaf.InstanceLocation+leaf.Message, best.InstanceLocation+best.Message),
		)
		if best == e || longer > 0 {
			best = leaf
		}
	}
	return best
}

func innermost(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}
