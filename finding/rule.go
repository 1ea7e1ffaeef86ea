package finding

import (
	"cmp"
	"fmt"

	"github.com/PlakarKorp/kpkg/internal/suggest"
)

// Rule is what findings of one kind have in common. Each package that judges has one table of its rules; documentation, tests
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

// Lookup finds a rule by its id. The error of an unknown one names the one that was probably meant.
func Lookup(rules []Rule, id string) (Rule, error) {
	ids := make([]string, len(rules))
	for i, r := range rules {
		if r.ID == id {
			return r, nil
		}
		ids[i] = r.ID
	}
	return Rule{}, fmt.Errorf("no rule %q; %s", Cut(id), cmp.Or(suggest.DidYouMean(id, ids), "kpkg explain lists them"))
}
