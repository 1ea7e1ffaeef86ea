package ptarread

// What a package may hold. The limits are far above any real integration (the largest published ones hold a few hundred
// megabytes in a dozen files) and low enough that reading a forged package costs neither memory nor time worth having.
const (
	// MaxBlob is the largest blob once decompressed, 8 MiB: a larger one may send plakar's reads past the end of the
	// file, and is what kloset's chunkers never write by default.
	MaxBlob = 8 << 20
	// maxStoredBlob is the largest blob as stored: what cannot be compressed grows a little.
	maxStoredBlob = MaxBlob + 64<<10
	// MaxBlobs is how many blobs a package may hold.
	MaxBlobs = 1 << 19
	// MaxEntries is how many files and directories a package may hold.
	MaxEntries = 10_000
	// MaxPath is the longest path of an entry, in bytes.
	MaxPath = 1024
	// MaxUnpacked is how many bytes all files of a package may hold together, 8 GiB.
	MaxUnpacked = 8 << 30
	// MaxSize is how long a package may be, 9 GiB: MaxUnpacked that nothing could be compressed of, and what describes it.
	MaxSize = MaxUnpacked + 1<<30
	// MaxRatio is how many times its own size a package may unpack to, above freeUnpacked.
	MaxRatio = 64
	// freeUnpacked is how far a package may unpack whatever its size: small packages of text compress well.
	freeUnpacked = 64 << 20

	// maxConfig is plakar's own limit on the configuration region.
	maxConfig = 32 << 10
	// maxMetadata is how many decoded bytes of trees, entries and objects are read to open a package.
	maxMetadata = 256 << 20
	// MaxFile is how many bytes a file of a package may hold, 2 GiB: maxChunks of the smallest size that kpkg cuts.
	MaxFile = 2 << 30
	// maxChunks is how many chunks a file may have.
	maxChunks = 1 << 16
	// maxDepth is how deep a tree, or a msgpack value, may nest.
	maxDepth = 16
	// maxProblems is after how many problems Check stops looking.
	maxProblems = 100
)

// maxExpansion is how many bytes a package of size bytes may hold decompressed.
func maxExpansion(size int64) int64 {
	if size > MaxUnpacked/MaxRatio {
		return MaxUnpacked
	}
	return max(freeUnpacked, size*MaxRatio)
}
