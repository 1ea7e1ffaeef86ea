// Package growth is for tests that what reads a stranger's input is done with it soon. They compare what two inputs cost in one run, in
// processor time of this process, which whatever else a machine does changes far less than it does the clock; and no test says in
// seconds what is soon. Tests that use it do not run beside others of their package.
package growth

import (
	"runtime"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/internal/raced"
)

const (
	// An input smaller by this factor costs as much less where the cost is linear, and less by the factor's square where it grows with the
	// square. What is allowed lies between, four times from either.
	factor  = 16
	allowed = factor * factor / 4

	// noise is a difference that says nothing: memory that is touched for the first time, and a collection of garbage.
	noise = 100 * time.Millisecond

	// tries are how often two costs are compared before one is too large: what a busy machine does to one it seldom does to each.
	tries = 5
)

// Linear uses inputs of a size, in bytes or what there is of them, and of Smaller(size), and fails the test if the larger costs so much
// more that the cost grows with the square of the size.
func Linear(t testing.TB, size int, use func(size int)) {
	t.Helper()
	raced.Skip(t, "it measures time")
	small, large := func() { use(Smaller(size)) }, func() { use(size) }
	if cost, than, ok := within(allowed, cost(small), cost(large)); !ok {
		t.Errorf("a size of %d takes %v, and one of %d %v", Smaller(size), than, size, cost)
	}
}

// Smaller is the size of the input that Linear compares to one of a size.
func Smaller(size int) int { return size / factor }

// AtMost fails the test if use costs more than so many times what an ordinary input of its kind does.
func AtMost(t testing.TB, times int, ordinary, use func()) {
	t.Helper()
	raced.Skip(t, "it measures time")
	if cost, than, ok := within(times, cost(ordinary), cost(use)); !ok {
		t.Errorf("it takes %v, and what is ordinary %v", cost, than)
	}
}

// within tells whether in one of the tries the second costs at most so many times what the first does; else what both cost in the last.
func within(times int, first, second func() time.Duration) (cost, than time.Duration, ok bool) {
	for range tries {
		than = first()
		if cost = second(); cost <= time.Duration(times)*than+noise {
			return cost, than, true
		}
	}
	return cost, than, false
}

// cost measures what a use takes. The garbage of the one before is not its.
func cost(use func()) func() time.Duration {
	return func() time.Duration {
		runtime.GC()
		begin := processorTime()
		use()
		return processorTime() - begin
	}
}
