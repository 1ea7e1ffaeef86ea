// Package gobuild turns the executables that a manifest names into files.
//
// Resolve finds the main package behind each executable, Build runs one go build for each platform and keeps its outputs
// between runs.
//
// It refuses to run anything of the integration's tree: Makefiles are read, never executed, and the only program started is
// the go tool. It refuses to build for the wrong platform: the target's GOOS and GOARCH win over exported ones.
package gobuild
