// Package growth is for tests that what reads a stranger's input takes time that grows as the input does, and no faster.
package growth

import (
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/internal/raced"
)

// longest is what no input that is let in may take, and noise what a busy machine may add.
const (
	longest = 10 * time.Second
	noise   = 300 * time.Millisecond
)

// Linear uses inputs of size/4 and size bytes, and fails the test if the larger takes more than eight times as long as the smaller, which
// is far from four times and from sixteen. What a busy machine does to one try it seldom does to
// three.
func Linear(t testing.TB, size int, use func(size int)) {
	t.Helper()
	raced.Skip(t, "it measures time")
	linear(t, size, noise, use)
}

func linear(t testing.TB, size int, noise time.Duration, use func(size int)) {
	t.Helper()
	small := took(use, size/4)
	for range 2 {
		small = min(small, took(use, size/4))
	}
	var large time.Duration
	for range 3 {
		if large = took(use, size); large > longest {
			break
		}
		if large <= 8*small+noise {
			return
		}
	}
	t.Errorf("%d bytes take %v, and %d bytes %v", size/4, small, size, large)
}

func took(use func(int), size int) time.Duration {
	begin := time.Now()
	use(size)
	return time.Since(begin)
}
