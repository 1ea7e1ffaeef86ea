package sdk

import "github.com/PlakarKorp/kloset/location"

// Flags are what plakar must know of a connector's locations. A connector's method Flags and location_flags in the manifest
// say the same:
//
//	location_flags: [localfs]                                              # manifest.yaml
//
//	func (i *Importer) Flags() sdk.Flags { return sdk.FlagLocalFS }       // Go
//
// plakar reads localfs and file in the manifest, before it starts the plugin, and asks the plugin for the others. kpkg test
// and kpkg try tell where the two differ.
type Flags = location.Flags

const (
	// FlagLocalFS (localfs): a location is a folder or file of this machine. plakar makes its path absolute: who types
	// fis:photos in /home/joe has config["location"] = "fis:///home/joe/photos". Not for a location that is one file of the
	// connector's own format, such as notes:///home/joe/notes.json: kpkg test gives such connectors folders.
	FlagLocalFS Flags = location.FLAG_LOCALFS
	// FlagFile (file): a storage is one file, which is written as a whole, such as a ptar. Not for a storage of many objects,
	// such as a bucket.
	FlagFile Flags = location.FLAG_FILE
	// FlagStream (stream): an importer's source can be read only once, from beginning to end, such as a tar from standard
	// input. Import is then called only once.
	FlagStream Flags = location.FLAG_STREAM
	// FlagNeedAck (needack): an importer waits to hear what became of each entry, such as one that deletes messages once they
	// are safe. Import then gets results.
	FlagNeedAck Flags = location.FLAG_NEEDACK
	// FlagNoMerge (nomerge): an importer's data is never put into one snapshot with that of another source, such as the dump of
	// a database that is restored as a whole.
	FlagNoMerge Flags = location.FLAG_NOMERGE
	// FlagExportXattr (exportxattr): an exporter takes extended attributes, such as one that writes to a local disk. In a
	// manifest, plakar up to v1.1.4 refuses it: return it from Flags alone.
	FlagExportXattr Flags = location.FLAG_EXPORTXATTR
)
