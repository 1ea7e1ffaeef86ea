// Package raced has tests say for themselves that the race detector is not to run them: those that do over and over what others do
// once, that measure memory or time, of which it takes several times as much, or whose work other programs do, which it does not see.
package raced

import "testing"

// On tells whether the race detector watches this program.
func On() bool { return on }

// Skip skips a test that the race detector is not to run, and says why.
func Skip(t testing.TB, why string) {
	t.Helper()
	if on {
		t.Skip("not under the race detector: " + why)
	}
}
