//go:build !linux || !amd64

package host

// runs386 is asked on Linux and amd64 alone.
func runs386() bool { return false }
