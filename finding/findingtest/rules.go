// Package findingtest holds the tables of rules to what they promise: the documentation says what they say, every rule is
// raised by a case, and nothing else is.
package findingtest

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/finding"
)

// row begins a row of a rule in a page's tables.
var row = regexp.MustCompile("^\\| `([a-z0-9-]+)` \\|")

// Documented holds the rows of a page's tables of rules, in whatever order and under whatever headings, to the rules: one
// for each, that says what the rule says. With update the rows are rewritten; one for a new rule is put where it belongs by
// hand, as "| `id` |".
func Documented(t testing.TB, rules []finding.Rule, page string, update bool) {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	seen := map[string]bool{}
	inside := false // a table of rules
	for i, line := range lines {
		inside = strings.HasPrefix(line, "| rule |") || inside && line != ""
		if !inside {
			continue
		}
		cell := row.FindStringSubmatch(line)
		if cell == nil {
			continue
		}
		id := cell[1]
		at := slices.IndexFunc(rules, func(r finding.Rule) bool { return r.ID == id })
		switch {
		case at < 0:
			t.Errorf("%s explains rule %s, which does not exist", page, id)
			continue
		case seen[id]:
			t.Errorf("%s explains rule %s twice", page, id)
		}
		seen[id] = true
		r := rules[at]
		want := fmt.Sprintf("| `%s` | %s | %s | %s |", r.ID, r.Level(), r.Title, r.Fix)
		if line != want && !update {
			t.Errorf("%s says\n%s\nand the table\n%s\ngo test -update rewrites the page", page, line, want)
		}
		lines[i] = want
	}
	for _, r := range rules {
		if !seen[r.ID] {
			t.Errorf("%s does not explain rule %s: put a row | `%s` | where it belongs and run go test -update", page, r.ID, r.ID)
		}
	}
	if update {
		if err := os.WriteFile(page, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Raised holds that the findings, of all cases of a package, have each of its rules and no other, with the severities that the
// rules allow.
func Raised(t testing.TB, rules []finding.Rule, findings []finding.Finding) {
	t.Helper()
	raised := map[string]bool{}
	for _, f := range findings {
		raised[f.Rule] = true
		at := slices.IndexFunc(rules, func(r finding.Rule) bool { return r.ID == f.Rule })
		switch {
		case at < 0:
			t.Errorf("a finding has the rule %s, which is not in the table: %v", f.Rule, f)
		case !rules[at].Allows(f.Severity):
			t.Errorf("the table has %s as %s, not as in: %v", f.Rule, rules[at].Level(), f)
		}
	}
	known := map[string]bool{}
	for _, r := range rules {
		switch {
		case known[r.ID]:
			t.Errorf("rule %s is in the table twice", r.ID)
		case r.Title == "" || r.Fix == "":
			t.Errorf("rule %s does not say what it finds and what to do", r.ID)
		case !raised[r.ID]:
			t.Errorf("no case raises rule %s", r.ID)
		}
		known[r.ID] = true
	}
}
