package manifest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// didYouMean is a hint that names the candidate closest to what was written, or the empty string if none is close.
func didYouMean(written string, candidates []string) string {
	if closest := closest(written, candidates); closest != "" {
		return fmt.Sprintf("did you mean %q?", closest)
	}
	return ""
}

// oneOf is didYouMean, or all candidates if none is close.
func oneOf(written string, candidates []string) string {
	if hint := didYouMean(written, candidates); hint != "" {
		return hint
	}
	return "use one of " + strings.Join(candidates, ", ")
}

func closest(written string, candidates []string) string {
	folded := fold(written)
	best, distance := "", len(folded)/3+1
	for _, candidate := range slices.Sorted(slices.Values(candidates)) {
		if len(written) > 2*len(candidate) {
			continue // far away, and too long to be worth comparing
		}
		if d := levenshtein.ComputeDistance(folded, fold(candidate)); d < distance {
			best, distance = candidate, d
		}
	}
	return best
}

// fold makes displayName, display-name and display_name the same.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(s))
}
