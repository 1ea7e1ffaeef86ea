// Package try backs up and restores through the connectors of a package, without plakar: the importer's source goes into
// a data file, and from there to an exporter's destination.
//
// A data file is an ordinary ptar with one snapshot, written by ptarbuild and read by ptarread, so that plakar
// restores what this package has backed up, and the other way round. What passes in silence elsewhere is an error here: a
// full disk, a file that could not be read or that a data file lacks, a device that nobody restores, an entry of which an
// exporter never said what became. A data file appears under its name only once it is complete.
//
// Instead of a data file it may be a store, through the storage of a package: see package store.
//
// It refuses packages that do not verify. It keeps nothing:
// packages are unpacked, and what is to be sorted is kept, in a temporary folder that is gone when a call returns. Secrets of
// the configuration are cut out of whatever a connector says.
package try
