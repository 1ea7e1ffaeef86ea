package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Rule is what findings of one kind have in common. Each room that judges has one table of its rules; documentation, tests
// and "kpkg explain" come from it.
type Rule struct {
	// ID is stable: lower case, words joined by dashes.
	ID string `json:"id"`
	// Severity is the worst that findings of the rule have; in some circumstances they have a lesser one.
	Severity Severity `json:"severity"`
	// Strict means that --strict makes errors of the rule's findings.
	Strict bool `json:"strict,omitempty"`
	// Title says what the rule finds.
	Title string `json:"title"`
	// Fix says what to do about it.
	Fix string `json:"fix"`
}

// Allows reports whether a finding of the rule may have the severity.
func (r Rule) Allows(severity Severity) bool { return severity <= r.Severity || r.Strict }

// Level is the severity as documentation has it: "error", "warning", "warning, strict".
func (r Rule) Level() string {
	if r.Strict {
		return r.Severity.String() + ", strict"
	}
	return r.Severity.String()
}

// Rules are those of reports themselves; every command may raise them.
var Rules = []Rule{
	{
		ID: "not-done", Severity: Error,
		Title: "Something could not be done: an input is not there or cannot be read, a disk is full, the run was interrupted.",
		Fix:   "The message says what stands in the way. The exit status is 3, whatever else was found.",
	},
	{
		ID: "findings-omitted", Severity: Error,
		Title: "There is more to say than a report holds. How many errors, warnings and notes there are is right all the same.",
		Fix:   "Mend what is shown and look again; a package or manifest with so many faults is hardly an honest mistake.",
	},
}

// Lookup finds a rule by its id. The error of an unknown one names those that are alike.
func Lookup(rules []Rule, id string) (Rule, error) {
	if i := slices.IndexFunc(rules, func(r Rule) bool { return r.ID == id }); i >= 0 {
		return rules[i], nil
	}
	type candidate struct {
		id       string
		distance int
	}
	var near []candidate
	for _, r := range rules {
		distance := levenshtein.ComputeDistance(strings.ToLower(Cut(id)), r.ID)
		if distance <= max(2, len(r.ID)/4) {
			near = append(near, candidate{r.ID, distance})
		}
	}
	slices.SortFunc(near, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.id, b.id)) })
	if len(near) == 0 {
		return Rule{}, fmt.Errorf("no rule %q; kpkg explain lists them", Cut(id))
	}
	return Rule{}, fmt.Errorf("no rule %q; did you mean %q?", Cut(id), near[0].id)
}
