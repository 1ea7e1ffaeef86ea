// Package oci keeps releases of integrations in OCI registries, in the form that docs/oci.md describes, and reads them there.
//
// A repository holds one integration. Each package is a manifest of its own, with the package as its one layer, under the tag
// vX.Y.Z-OS-ARCH; an image index of them all has the tag vX.Y.Z. Signatures, lists of parts, provenances, the recipe and the notes
// are artifacts that refer to a package's manifest or to the index. A version's index gets its tag last, when all that belongs to
// it is there: tags know no compare-and-swap, so that nothing is told by them that is not whole.
//
// All manifests are functions of the release alone: publishing it again is found out to be that, and other bytes under a version
// are refused. What is read is held to its digest, and to the name and version that it was asked for by.
package oci
