// Package conformance tests plugins: what plakar expects of a connector of each type, and what a user's data
// needs when something goes wrong. A plugin is an executable in any language; it is started for every check, spoken to
// over its pipes with the client's code that plakar uses, and judged by what comes back.
//
// There are two doors: [Test] for an author's Go tests, [Run] for "kpkg test". A check is one function and one row in the
// table of its family. It passes, fails with what was seen, or is skipped with the reason: what a connector does not claim
// and what the caller has not given are no failures, and never silent.
//
// The package refuses to judge what it cannot see: what an exporter has written is looked at in a local folder, or through
// an importer of the same protocol. It writes nowhere but in temporary folders and at the location it was given.
package conformance
