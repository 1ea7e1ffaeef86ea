package growth

import (
	"testing"
	"time"
)

// seen notes a failure instead of being one.
type seen struct {
	testing.TB
	failed bool
}

func (s *seen) Helper()               {}
func (s *seen) Errorf(string, ...any) { s.failed = true }

// TestLinear tells what grows with the square from what does not.
func TestLinear(t *testing.T) {
	for name, test := range map[string]struct {
		each func(n int) time.Duration
		fail bool
	}{
		"linear":    {func(n int) time.Duration { return time.Duration(n) * time.Millisecond }, false},
		"quadratic": {func(n int) time.Duration { return time.Duration(n*n) * 150 * time.Microsecond }, true},
	} {
		var s seen
		linear(&s, 64, 30*time.Millisecond, func(n int) { time.Sleep(test.each(n)) })
		if s.failed != test.fail {
			t.Errorf("%s: %t", name, s.failed)
		}
	}
}
