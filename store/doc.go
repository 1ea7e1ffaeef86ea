// Package store keeps snapshots in a kloset store: what plakar calls a repository, on a storage connector. plakar opens the stores
// that it makes, and it opens plakar's.
//
// kloset's own code puts packfiles together, knows which blobs are there already, and merges the states that say where they are.
// Snapshots are written by ptarbuild, as those of archives are, and read by ptarread, which believes a store no more than a
// file: every blob is compared with its MAC.
//
// A snapshot is there once the store has its state, which comes last: an error, a store that dies, or ctx that ends leave the
// snapshots that were there, and blobs of which nothing knows until plakar's maintenance removes them. The package refuses to
// delete: neither snapshots nor what nothing refers to, but for its own lock.
package store
