// Package try backs up and restores through the connectors of a package, without plakar: the importer's source goes into
// a data file, and from there to an exporter's destination.
//
// A data file is an ordinary ptar with one snapshot, written and read by kloset's own machinery, so that plakar restores
// what this package has backed up, and the other way round. What kloset's writer passes over in silence is an error here:
// a full disk, a file that could not be read, an entry that an exporter never answered for. A data file appears under its
// name only once it is whole.
//
// It refuses packages that do not verify, and data files that are encrypted. It keeps nothing: packages are unpacked, and
// kloset's databases kept, in a temporary folder that is gone when a call returns. Secrets of the configuration are cut
// out of whatever a connector says.
package try
