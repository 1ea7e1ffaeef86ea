// Package trust is the folder of the keys that a user trusts, and for what.
//
// The folder and its files are those that plakar's clients have since their 1.1.5 or so: trust, beside plakar's configuration, with the
// public key in NAME.pub and in NAME.scope, a line each, where it counts: the address of a registry, or "local" for files.
// A key without a scope counts nowhere. What kpkg puts there the client goes by, and the other way round.
//
// Source: the package signify and plakar-pkg-registry(1) of github.com/PlakarKorp/plakar, 2026-08-19 and 2026-09-26.
package trust
