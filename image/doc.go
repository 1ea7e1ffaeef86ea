// Package image makes container images of connectors, and reads them: files in, an archive out that "docker load" and "podman load"
// take, without either of them.
//
// An image is one layer: the executable, the files beside it that the manifest names, the certificates of public authorities, and
// next to nothing else, no shell. The same files, labels and time give the same bytes. Its user is not root.
//
// It refuses what would not run in it: programs for other systems than Linux, scripts, and executables that are linked dynamically.
// Reading, it takes an archive for a stranger's: all sizes are bounded, all sums compared, and only files and folders are unpacked.
package image
