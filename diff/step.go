package diff

import (
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

// Step is which number of a version has to go up: see https://semver.org.
type Step int

const (
	Patch Step = iota
	Minor
	Major
)

func (s Step) String() string { return [...]string{"patch", "minor", "major"}[s] }

// MarshalText writes what String does.
func (s Step) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Asked is the largest step that changes ask for.
func Asked(changes []Change) Step {
	step := Patch
	for _, c := range changes {
		step = max(step, c.Step)
	}
	return step
}

// CheckStep is nil when the step from one version to the next is as large as the one asked for. Before 1.0.0 nothing is
// promised yet: there what breaks takes a minor step, and all else a patch. A version that does not go up is an error.
func CheckStep(from, to string, asked Step) error {
	if semver.Compare(from, to) >= 0 {
		return fmt.Errorf("%s does not come after %s", to, from)
	}
	needs := asked
	if semver.Major(from) == "v0" && asked > Patch {
		needs--
	}
	if taken := taken(from, to); taken < needs {
		return fmt.Errorf("from %s to %s is a %s step, and what changed asks for a %s one: %s or later",
			from, to, taken, needs, next(from, needs))
	}
	return nil
}

// taken is the step between two versions. To the release that its own pre-releases were for, it is the release's.
func taken(from, to string) Step {
	switch {
	case semver.Major(from) != semver.Major(to):
		return Major
	case semver.MajorMinor(from) != semver.MajorMinor(to):
		return Minor
	}
	return Patch
}

// next is the first version after one that takes a step.
func next(from string, step Step) string {
	var major, minor, patch int
	core, _, _ := strings.Cut(strings.TrimPrefix(semver.Canonical(from), "v"), "-")
	if _, err := fmt.Sscanf(core, "%d.%d.%d", &major, &minor, &patch); err != nil {
		return "a later version"
	}
	switch step {
	case Major:
		return fmt.Sprintf("v%d.0.0", major+1)
	case Minor:
		return fmt.Sprintf("v%d.%d.0", major, minor+1)
	}
	return fmt.Sprintf("v%d.%d.%d", major, minor, patch+1)
}
