package manifest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"gopkg.in/yaml.v3"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/growth"
	"github.com/PlakarKorp/kpkg/internal/raced"
)

// hostile is how many times the processor time of something ordinary what is made to take long may take.
const hostile = 50

// repeated is f of each number below n, joined.
func repeated(n int, separator string, f func(int) string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = f(i)
	}
	return strings.Join(parts, separator)
}

// TestSlowValidators judges schemas of about what the limits allow, each with one thing that the schema library or
// the rules on options do again and again.
func TestSlowValidators(t *testing.T) {
	object := func(rest string) string { return `{"type":"object",` + rest + `}` }
	ordinary := object(`"properties":{` + repeated(900, ",", func(i int) string { return fmt.Sprintf(`"a%d":{"type":"string","description":"an option"}`, i) }) + `}`)
	judge := func(schema string) func() {
		return func() {
			for _, f := range judged(t, []byte(schema), false) {
				if f.Rule == "validator-limit" || f.Rule == "validator-json" {
					t.Errorf("not judged: %s", f)
				}
			}
		}
	}
	for name, schema := range map[string]string{
		"options that refer to one list": object(`"0":{"allOf":[` + repeated(1_500, ",", func(int) string { return "{}" }) +
			`]},"properties":{` + repeated(1_300, ",", func(i int) string { return fmt.Sprintf(`"a%x":{"type":"string","$ref":"#/0"}`, i) }) + `}`),
		"alternatives": object(`"allOf":[` + repeated(2_900, ",", func(int) string { return "{}" }) + `]`),
		"anchors": object(`"$defs":{` + repeated(700, ",", func(i int) string { return fmt.Sprintf(`"a%x":{"$anchor":"x%x"}`, i, i) }) +
			`},"allOf":[` + repeated(1_400, ",", func(i int) string { return fmt.Sprintf(`{"$ref":"#x%x"}`, i%700) }) + `]`),
		"dynamic anchors": object(`"$defs":{` + repeated(1_300, ",", func(i int) string { return fmt.Sprintf(`"a%x":{"$dynamicAnchor":"x%x"}`, i, i) }) +
			`},"allOf":[` + repeated(1_300, ",", func(i int) string { return fmt.Sprintf(`{"$dynamicRef":"#x%x"}`, i) }) + `]`),
		"identifiers": object(`"$defs":{` + repeated(700, ",", func(i int) string { return fmt.Sprintf(`"a%x":{"$id":"x%x"}`, i, i) }) +
			`},"allOf":[` + repeated(1_400, ",", func(i int) string { return fmt.Sprintf(`{"$ref":"x%x"}`, i%700) }) + `]`),
		"a chain of references": object(`"$defs":{` + repeated(2_900, ",", func(i int) string { return fmt.Sprintf(`"a%d":{"$ref":"#/$defs/a%d"}`, i, i+1) }) +
			`,"a2900":{}},"$ref":"#/$defs/a0"`),
		"references to each level": object(`"x":` + strings.Repeat(`{"x":`, 29) + `{"allOf":[` + repeated(2_900, ",", func(int) string { return "{}" }) + `]}` +
			strings.Repeat("}", 29) + `,"allOf":[` + repeated(30, ",", func(i int) string { return `{"$ref":"#` + strings.Repeat("/x", i+1) + `"}` }) + `]`),
		"references to nowhere known": object(`"x":{` + repeated(1_400, ",", func(i int) string { return fmt.Sprintf(`"%d":{}`, i) }) +
			`},"allOf":[` + repeated(1_400, ",", func(i int) string { return fmt.Sprintf(`{"$ref":"#/x/%d"}`, i) }) + `]`),
		"expressions": object(`"properties":{` + repeated(45, ",", func(i int) string {
			return fmt.Sprintf(`"a%d":{"type":"string","pattern":"[\\p{L}a-z]{999}%d"}`, i, i)
		}) + `}`),
		"a list without repetitions": object(`"required":[` + repeated(9_000, ",", func(i int) string { return fmt.Sprintf(`"%d"`, i) }) + `]`),
		"an old draft's enumeration": object(`"$schema":"http://json-schema.org/draft-04/schema#","properties":{"a":{"type":"string","enum":[` +
			repeated(2_600, ",", func(i int) string { return fmt.Sprintf("%d.%090d", i, i) }) + `]}}`),
		"long keys": object(`"properties":` + strings.Repeat(`{"`+strings.Repeat("k", 256)+`":`, 28) + `{"allOf":[` +
			repeated(2_900, ",", func(int) string { return "{}" }) + "]}" + strings.Repeat("}", 28)),
	} {
		t.Run(name, func(t *testing.T) {
			growth.AtMost(t, hostile, judge(ordinary), judge(schema))
		})
	}
}

// TestLongLine holds that a place in a line is found without walking the line from its start.
func TestLongLine(t *testing.T) {
	var l *lines
	growth.Linear(t, MaxSize, func(size int) {
		l = newLines([]byte("a: x\n" + strings.Repeat("é", size/2)))
		for i := range size / 100 {
			column := size/2 - i
			if got, want := l.offset(&yaml.Node{Line: 2, Column: column}), len("a: x\n")+2*(column-1); got != want {
				t.Fatalf("column %d is at %d, not at %d", column, got, want)
			}
		}
	})
	for _, beyond := range []*yaml.Node{{Line: 2, Column: MaxSize}, {Line: 3, Column: 1}, {Line: 2, Column: MaxSize/2 + 1}} {
		if got := l.offset(beyond); got != len(l.data) {
			t.Errorf("line %d column %d is at %d", beyond.Line, beyond.Column, got)
		}
	}
}

// TestManyValidators holds that the limits are on all validators of a manifest together, each judged once: they cost little beside the
// connectors that have them.
func TestManyValidators(t *testing.T) {
	schema := `{"type":"object","allOf":[` + repeated(900, ",", func(int) string { return "{}" }) + `]}`
	tree := fstest.MapFS{}
	text, without := "name: x\nconnectors:\n", "name: x\nconnectors:\n"
	for i := range 500 {
		name := fmt.Sprintf("s/%d.json", i/2)
		tree[name] = &fstest.MapFile{Data: []byte(schema)}
		text += fmt.Sprintf("- {type: importer, protocols: [p%d], executable: x, validator: %s}\n", i, name)
		without += fmt.Sprintf("- {type: importer, protocols: [p%d], executable: x}\n", i)
	}
	read := func(text string) []finding.Finding {
		return checked(t, Read("manifest.yaml", []byte(text)), CheckOptions{Tree: tree})
	}
	limits := 0
	for _, f := range read(text) {
		if f.Rule == "validator-limit" {
			limits++
		}
	}
	if limits != 250-3 {
		t.Errorf("%d of 250 schemas are beyond the limit", limits)
	}
	growth.AtMost(t, hostile, func() { read(without) }, func() { read(text) })
}

// TestEndedContext holds that checks end with their context.
func TestEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("enough")
	cancel(reason)
	if _, err := CheckValidator(ctx, "schema.json", []byte("{}"), false); !errors.Is(err, reason) {
		t.Errorf("CheckValidator: %v", err)
	}
	if _, err := Read("manifest.yaml", []byte("name: x")).Check(ctx, CheckOptions{}); !errors.Is(err, reason) {
		t.Errorf("Check: %v", err)
	}
}

// TestSlowManifests reads manifests as large as they may be.
func TestSlowManifests(t *testing.T) {
	raced.Skip(t, "it measures time, and what it measures is long in the making")
	fill := func(f func(int) string) string { // as many as a manifest holds
		var b strings.Builder
		for i := 0; b.Len() < MaxSize-5_000; i++ {
			b.WriteString(f(i))
		}
		return b.String()
	}
	connector := func(i int) string {
		return fmt.Sprintf("- {type: importer, protocols: [p%d], executable: e%d}\n", i, i)
	}
	check := func(text string) func() {
		return func() { checked(t, Read("manifest.yaml", []byte(text)), CheckOptions{Tree: fstest.MapFS{}}) }
	}
	for name, text := range map[string]string{
		"one line":          "{name: x, " + fill(func(i int) string { return fmt.Sprintf("k%d: %s, ", i, strings.Repeat("x", 100)) }) + "}",
		"one line of lists": "{name: x, tags: [" + fill(func(int) string { return "é, " }) + "]}",
		"few long values":   "{name: x, " + fill(func(i int) string { return fmt.Sprintf("k%d: %s, ", i, strings.Repeat("x", 4_000)) }) + "}",
		"many keys":         "name: x\n" + fill(func(i int) string { return fmt.Sprintf("k%d: x\n", i) }),
		"9000 keys":         "name: x\n" + repeated(4_500, "", func(i int) string { return fmt.Sprintf("k%d: x\n", i) }),
		"many connectors":   "name: x\nconnectors:\n" + repeated(1_000, "", connector),
		"all connectors":    "name: x\nconnectors:\n" + fill(connector),
		"flow never closed": "name: x\ntags: " + fill(func(int) string { return "[a, " }),
		"deep flow":         "name: " + strings.Repeat("[", 500_000) + strings.Repeat("]", 500_000),
		"deep within depth": "name: " + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000),
		"deep block":        repeated(1_400, "", func(i int) string { return strings.Repeat(" ", i) + "a:\n" }),
		"fault at the end":  "name: x\n" + repeated(20_000, "", func(i int) string { return fmt.Sprintf("k%d: x\n", i) }) + "- x\n",
		"fault in one line": "{" + fill(func(i int) string { return fmt.Sprintf("k%d: x, ", i) }) + "]",
		"open quote":        "name: \"" + repeated(100_000, "", func(int) string { return "x\n" }),
		"long text":         "name: " + strings.Repeat("x", MaxSize-100),
		"folded text":       "name: >\n" + fill(func(int) string { return "  x\n" }),
		"comments":          fill(func(int) string { return "# x\n" }) + "name: x\n",
		"documents":         fill(func(int) string { return "---\na\n" }),
		"aliases": "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\n" +
			"d: [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n",
		"merges":  "a: &a {" + repeated(900, ", ", func(i int) string { return fmt.Sprintf("k%d: x", i) }) + "}\nb: {<<: [*a, *a, *a, *a, *a, *a, *a]}\n",
		"anchors": fill(func(i int) string { return fmt.Sprintf("k%d: &k%d x\n", i, i) }),
		"names alike": "connectors:\n" + repeated(1_000, "", func(i int) string {
			return fmt.Sprintf("- {type: importer, protocols: [p%d], executable: %s%d}\n", i, strings.Repeat("e", 90), i)
		}) + "build:\n  packages:\n" + repeated(1_000, "", func(i int) string {
			return fmt.Sprintf("    %s%d: ./x\n", strings.Repeat("f", 90), i)
		}),
		"long names alike": "connectors:\n- {executable: " + strings.Repeat("a", 400_000) + "}\nbuild: {packages: {" + strings.Repeat("b", 400_000) + ": ./x}}\n",
		"long path":        "connectors:\n- {executable: " + strings.Repeat("a/", 500_000) + "a}\n",
	} {
		t.Run(name, func(t *testing.T) {
			if len(text) > MaxSize {
				t.Fatalf("%d bytes", len(text))
			}
			growth.AtMost(t, hostile, check("name: x\nconnectors:\n"+repeated(1_000, "", connector)), check(text))
		})
	}
}
