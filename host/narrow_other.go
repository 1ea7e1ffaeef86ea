//go:build !linux

package host

// runs386 is asked on Linux alone.
func runs386() bool { return false }
