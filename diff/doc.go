// Package diff says what a new version of an integration changes for those who use the one before: which connectors, protocols
// and platforms are gone, and what of their configuration no longer holds.
//
// It compares what manifests and connector schemas declare, and asks for a step of the version that says as much. It does
// not look into executables: that they do what they did, only tests tell.
package diff
