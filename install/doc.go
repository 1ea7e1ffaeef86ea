// Package install puts packages where plakar's clients look for them, and takes them away again.
//
// The folders and names are those of github.com/PlakarKorp/pkg v1.1: the client finds what kpkg has installed, and kpkg what the
// client has. A package is copied, held to its sum and signature, verified and extracted beside its place before anything that is
// installed is touched; then the new one gets its name, and the old one goes after that. A run that is killed leaves at most
// both, and the next one on the folder brings the change to its end. One run at a time changes a folder.
//
// It refuses what plakar would not load, or would load instead of what is there without being asked: a package that does not
// verify, that is for another platform, an older version, other bytes under the version that is installed, and a protocol that
// another package serves.
package install
