// Package claim takes standard input and output away from the rest of the process before any other package can print.
//
// Go initializes packages in the order of their import paths, as soon as what they import is initialized. This package
// therefore imports nothing but syscall: package os comes later, because it needs internal/poll, which needs syscall too
// and sorts behind this package, as long as that stands at an import path that begins with less than "internal/poll".
// Everything that prints by way of package os (fmt, log, a library's banner) comes later still. What can come earlier is C
// code, and a package at a path that sorts before this one and writes with package syscall.
//
// That a process is a plugin is not known yet at that time. One whose standard input and output are both pipes or sockets
// is taken for one, and [Release] undoes it.
package claim

// In and Out are private descriptors of what standard input and output were, neither inherited by child processes nor
// replaced by what is done to the standard ones. They are only there if Claimed is true.
var (
	In, Out uintptr
	Claimed bool
)

// Err is why the descriptors could not be taken, although they look like those that a host connects.
var Err error

func init() { Claimed, Err = claim() }
