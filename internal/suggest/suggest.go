// Package suggest finds what somebody meant by a name that is not known.
package suggest

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Names come out of files that strangers write, and comparing two takes time in the product of their lengths: beyond these
// bounds there is no suggestion.
const (
	longest       = 100   // bytes of a name
	maxCandidates = 2_000 // names to compare with; SPDX has some 700 licenses
)

// Closest is the candidate closest to what was written, or the empty string if none is close. Case, "_", "-" and " " do not
// count: displayName, display-name and display_name are the same. A beginning of three letters or more that one candidate
// alone has is close, too.
func Closest(written string, candidates []string) string {
	if len(written) > longest || len(candidates) > maxCandidates {
		return ""
	}
	folded := fold(written)
	best, distance := "", len(folded)/3+1
	for _, candidate := range slices.Sorted(slices.Values(candidates)) {
		if difference := len(candidate) - len(written); max(difference, -difference) > longest/2 {
			continue
		}
		if d := distanceOf(folded, fold(candidate)); d < distance {
			best, distance = candidate, d
		}
	}
	if best != "" || len(folded) < 3 {
		return best
	}
	for _, candidate := range candidates { // the only one that begins so
		if strings.HasPrefix(fold(candidate), folded) {
			if best != "" && best != candidate {
				return ""
			}
			best = candidate
		}
	}
	return best
}

// distanceOf counts the letters to change; two that have changed places are one.
func distanceOf(a, b string) int {
	if len(a) == len(b) {
		for i := range len(a) - 1 {
			if a[i] != b[i] {
				if a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:] {
					return 1
				}
				break
			}
		}
	}
	return levenshtein.ComputeDistance(a, b)
}

// DidYouMean is a hint that names the candidate closest to what was written, or the empty string if none is close.
func DidYouMean(written string, candidates []string) string {
	if closest := Closest(written, candidates); closest != "" {
		return fmt.Sprintf("did you mean %q?", closest)
	}
	return ""
}

// OneOf is DidYouMean, or all candidates if none is close.
func OneOf(written string, candidates []string) string {
	if hint := DidYouMean(written, candidates); hint != "" {
		return hint
	}
	return "use one of " + strings.Join(candidates, ", ")
}

// Beside is a hint, to be put after what is said of a path at which nothing is: what is there of a close name. It is empty
// if there is nothing.
func Beside(path string) string {
	dir, name := filepath.Split(path)
	if name == "" {
		return ""
	}
	folder, err := os.Open(cmp.Or(dir, "."))
	if err != nil {
		return ""
	}
	defer folder.Close()
	if info, err := folder.Stat(); err != nil || !info.IsDir() {
		return ""
	}
	names, _ := folder.Readdirnames(maxCandidates)
	// What all names end in would make them alike.
	extension := filepath.Ext(name)
	var stems []string
	for _, n := range names {
		if stem, same := strings.CutSuffix(n, extension); same && !strings.HasPrefix(n, ".") {
			stems = append(stems, stem)
		}
	}
	if closest := Closest(strings.TrimSuffix(name, extension), stems); closest != "" {
		return "; did you mean " + dir + closest + extension + "?"
	}
	return ""
}

func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(s))
}
