// Package release makes of an integration what others can fetch and trust: its packages, each with its sum, signature, list of
// parts and provenance, beside the recipe and the notes of the release.
//
// Sums and signatures are files beside the file F that they are about, as plakar's clients look for them: F.sum has one line,
// "SHA256 (F) = HEX", and F.sum.sig that line signed in the form that OpenBSD's signify calls embedded. Keys are signify's.
//
// It refuses to take a sum or a signature for anything but what it is about: the file of that name with those bytes. Whether
// a key deserves trust is for those who hand it over; a signature tells nothing else than who held the key.
package release
