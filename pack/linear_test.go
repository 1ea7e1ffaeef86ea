package pack

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/internal/growth"
)

// TestPatternsAreLinear reads files of patterns of one kind each, and holds to them what they take longest for.
func TestPatternsAreLinear(t *testing.T) {
	for name, test := range map[string]struct {
		repeated, path string
		size           int
	}{
		"short lines":  {"a\n", "b", 4 * maxPatterns / 2},
		"empty lines":  {"\n", "b", maxPatternsLength},
		"comments":     {"#\n", "b", maxPatternsLength},
		"spaces":       {" ", "b", maxPatternsLength},
		"stars":        {"*a", strings.Repeat("a", 250) + "b", maxPatternsLength},
		"double stars": {"**/a/", strings.Repeat("a/", 500) + "b", maxPatternsLength},
		"folders":      {"a/", strings.Repeat("a/", 500) + "b", maxPatternsLength},
		"classes":      {"[a-z]", strings.Repeat("a", 250), maxPatternsLength},
		"escapes":      {`\a`, strings.Repeat("a", 250), maxPatternsLength},
		"exclamations": {"!", "!", maxPatternsLength},
	} {
		t.Run(name, func(t *testing.T) {
			growth.Linear(t, test.size, func(size int) {
				patterns, err := ReadPatterns(t.Context(), reading(strings.Repeat(test.repeated, size/len(test.repeated))))
				if err != nil {
					t.Fatal(err)
				}
				excluded, err := newExclusion(patterns)
				if err != nil {
					t.Fatal(err)
				}
				for range 10 {
					excluded.has(test.path, false)
				}
			})
		})
	}
}

// TestTooManyPatterns: what goes over a bound is refused, and not left out.
func TestTooManyPatterns(t *testing.T) {
	for want, text := range map[string]string{
		fmt.Sprint("larger than ", maxPatternsLength): strings.Repeat("#\n", maxPatternsLength/2+1),
		fmt.Sprint("more than ", maxPatterns):         strings.Repeat("a\n", maxPatterns+1),
	} {
		if _, err := ReadPatterns(t.Context(), reading(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := newExclusion(make([]string, maxPatterns+1)); err == nil {
		t.Error("as many patterns are taken from the command line")
	}
}

func reading(text string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}
