package growth

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestWithin tells what grows with the square from what does not, on a machine that takes up to three times as long now and then, and
// on one that is as slow all the time.
func TestWithin(t *testing.T) {
	for name, test := range map[string]struct {
		each func(n int) time.Duration
		ok   bool
	}{
		"linear":                {func(n int) time.Duration { return time.Duration(n) * time.Millisecond }, true},
		"linear, with a start":  {func(n int) time.Duration { return time.Second + time.Duration(n)*time.Millisecond }, true},
		"nothing":               {func(int) time.Duration { return 0 }, true},
		"square":                {func(n int) time.Duration { return time.Duration(n*n) * time.Millisecond }, false},
		"square, with a start":  {func(n int) time.Duration { return time.Second + time.Duration(n*n)*time.Millisecond }, false},
		"square, beside linear": {func(n int) time.Duration { return time.Duration(n*n+n) * time.Millisecond }, false},
	} {
		for range 1000 {
			slow := func(n int) func() time.Duration {
				return func() time.Duration { return test.each(n) * time.Duration(100+rand.IntN(200)) / 100 }
			}
			if cost, than, ok := within(allowed, slow(Smaller(1<<10)), slow(1<<10)); ok != test.ok {
				t.Fatalf("%s: %v beside %v", name, cost, than)
			}
		}
	}
}

// TestTries holds that one try in peace is enough.
func TestTries(t *testing.T) {
	n := 0
	busyBut := func(quiet int) func() time.Duration {
		n = 0
		return func() time.Duration {
			if n++; n == quiet {
				return time.Second
			}
			return time.Hour
		}
	}
	second := func() time.Duration { return time.Second }
	if _, _, ok := within(2, second, busyBut(tries)); !ok {
		t.Error("the last try does not count")
	}
	if cost, than, ok := within(2, second, busyBut(0)); ok || cost != time.Hour || than != time.Second || n != tries {
		t.Errorf("%v beside %v after %d tries: %t", cost, than, n, ok)
	}
}

// TestCost measures work, and not a wait.
func TestCost(t *testing.T) {
	waits := cost(func() { time.Sleep(time.Second) })()
	works := cost(func() {
		for begin := processorTime(); processorTime()-begin < time.Second; {
		}
	})()
	if works < time.Second || waits > works/2 {
		t.Errorf("a second of work costs %v, and one of waiting %v", works, waits)
	}
}
