package conformance

import (
	"fmt"
	"os"
	"path"
	"slices"

	"github.com/PlakarKorp/kpkg/internal/suggest"
)

// check refuses a selection that fits no package, before anything is made or started.
func (s Selection) check() error {
	var known []string
	for _, rule := range Rules() {
		known = append(known, rule.ID)
	}
	for _, pattern := range slices.Concat(s.Only, s.Skip) {
		if slices.ContainsFunc(known, func(id string) bool { return matches(pattern, id) }) {
			continue
		}
		hint := suggest.DidYouMean(pattern, known)
		if hint == "" {
			hint = "kpkg test --list has them all"
		}
		return fmt.Errorf("%w: there is no check %q; %s", ErrSelection, pattern, hint)
	}
	if s.Sample != "" {
		if info, err := os.Stat(s.Sample); err != nil || !info.IsDir() {
			return fmt.Errorf("there is no folder %s to take the sample from", s.Sample)
		}
	}
	return nil
}

// chosen are the ids of the checks to run for a type of connector; nil for all. Where none is chosen the list holds one that
// is no check's.
func (s Selection) chosen(connectorType string) []string {
	if len(s.Only) == 0 && len(s.Skip) == 0 {
		return nil
	}
	var ids []string
	for _, k := range Checks(connectorType) {
		wanted := len(s.Only) == 0 || slices.ContainsFunc(s.Only, func(p string) bool { return matches(p, k.ID) })
		if wanted && !slices.ContainsFunc(s.Skip, func(p string) bool { return matches(p, k.ID) }) {
			ids = append(ids, k.ID)
		}
	}
	if ids == nil {
		return []string{""}
	}
	return ids
}

func matches(pattern, id string) bool {
	matched, err := path.Match(pattern, id)
	return err == nil && matched
}
