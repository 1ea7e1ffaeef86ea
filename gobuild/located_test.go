package gobuild

import "testing"

// TestLocated has what go prints in a folder tell paths from here, and no package's name.
func TestLocated(t *testing.T) {
	for _, test := range []struct{ output, dir, want string }{
		{"# example.org/x\n./x.go:3:4: undefined: y\n", "m", "m/x.go:3:4: undefined: y"},
		{"plugin/main.go:5:2: no\n\tmore", ".", "plugin/main.go:5:2: no\n\tmore"},
		{"../lib/x.go:1:1: no", "a/m", "a/lib/x.go:1:1: no"},
		{"/abs/x.go:1:1: no", "m", "/abs/x.go:1:1: no"},
		{"x.go:1:2: missing go.sum entry for y", "m",
			"m/x.go:1:2: missing go.sum entry for y\ngo.mod and go.sum are not up to date: run go mod tidy in m"},
	} {
		if got := located(test.output, test.dir); got != test.want {
			t.Errorf("%q: %q, not %q", test.output, got, test.want)
		}
	}
}
