package ptarread

import "github.com/PlakarKorp/kloset/resources"

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
	// maxEntries is how many files and directories a package may hold.
	maxEntries = 10_000
	// maxPath is the longest path of an entry, in bytes.
	maxPath = 1024
	// MaxUnpacked is how many bytes all files of a package may hold together, 8 GiB.
	MaxUnpacked = 8 << 30
	// MaxSize is how long a package may be, 9 GiB: MaxUnpacked that nothing could be compressed of, and what describes it.
	MaxSize = MaxUnpacked + 1<<30
	// maxRatio is how many times its own size a package may unpack to, above freeUnpacked.
	maxRatio = 64
	// freeUnpacked is how far a package may unpack whatever its size: small packages of text compress well.
	freeUnpacked = 64 << 20

	// maxConfig is plakar's own limit on the configuration region.
	maxConfig = 32 << 10
	// maxStoredFooter is the largest footer of a packfile as stored: it has 56 bytes.
	maxStoredFooter = 4 << 10
	// maxMetadata is how many decoded bytes of trees, listings, entries and objects are read to open a package, 64 MiB. The
	// largest package within the other limits has half of that, and little of what is read is kept.
	maxMetadata = 64 << 20
	// maxNode is the largest node of a tree: kloset's have 50 keys, which are paths. The walk through a tree holds a node of
	// each of its levels.
	maxNode = 2 << 20
	// maxRecord is the largest entry, error, attribute or snapshot's header. Names and links are far shorter on any system.
	maxRecord = 1 << 20
	// maxNodeElements is how many elements the arrays of a node may have together, each of which takes far more memory
	// than its one byte.
	maxNodeElements = 1 << 16
	// maxEntryElements is how many elements the arrays of an entry or a snapshot's header may have together: names of
	// attributes, tags, facts on the machine.
	maxEntryElements = 256
	// maxTreeDepth is how many levels a tree may have: 6 hold 200 million keys of kloset's order.
	maxTreeDepth = 10
	// MaxFile is how many bytes a file of a package may hold, 2 GiB: kpkg cuts that into half of maxChunks at most.
	MaxFile = 2 << 30
	// maxChunks is how many chunks a file of a package may have.
	maxChunks = 1 << 16
	// maxDepth is how deep a msgpack value may nest.
	maxDepth = 16
	// maxProblems is after how many problems Check stops looking.
	maxProblems = 100
)

// maxExpansion is how many bytes a package of size bytes may hold decompressed.
func maxExpansion(size int64) int64 {
	if size > MaxUnpacked/maxRatio {
		return MaxUnpacked
	}
	return max(freeUnpacked, size*maxRatio)
}

// What an archive may hold, beyond the limits on single blobs, which are the same. It is as large as people's files are,
// so that there is no limit on its size or on the content of its files, of which one chunk is in memory at a time.
const (
	// maxArchiveBlobs is how many blobs an archive may hold: a small file is three, a large one one for each MiB.
	maxArchiveBlobs = 1 << 27
	// maxSnapshots is how many snapshots an archive may hold.
	maxSnapshots = 1 << 17
	// maxArchiveChunks is how many chunks are kept in memory of a file of an archive: a list of 95,000 takes MaxBlob, which are
	// some 90 GB as plakar cuts files. A longer one is read as it comes, each time that it is needed.
	maxArchiveChunks = 1 << 17
	// maxArchiveList is how long such a list may be, 4 GiB: 48 million chunks, or 48 TB as plakar cuts files.
	maxArchiveList = 4 << 30
	// maxArchivePath is the longest path of an entry in bytes, that of Windows; elsewhere 4096 are the most.
	maxArchivePath = 32 << 10
	// maxSnapshotText is how many bytes the descriptions of all snapshots may take: some hundred thousand of them.
	maxSnapshotText = 32 << 20
	// maxReadAhead is how many entries of a folder a walk reads ahead at most, minReadAhead for how few it is not worth it, and
	// maxWalkAhead how many bytes of memory all that it has read ahead may take.
	maxReadAhead = 256
	minReadAhead = 8
	maxWalkAhead = 8 << 20
	// maxCachedNodes is how many decoded bytes of a tree's nodes are kept while it is walked: a folder's entries are next to
	// those of its neighbours, not to its own.
	maxCachedNodes = 4 << 20
)

// What the configuration of an encrypted archive may ask for, before its passphrase vouches for it. plakar's own are Argon2id
// with 256 MiB and 4 passes, and pieces of 64 KiB.
const (
	// maxKDFMemory is how much memory deriving the key may take, 256 MiB; maxKDFPasses how often it may go over it.
	maxKDFMemory  = 256 << 20
	maxKDFPasses  = 8
	maxKDFThreads = 16
	// maxKDFIterations of PBKDF2, which takes no memory, are some seconds.
	maxKDFIterations = 5_000_000
	maxSalt          = 1 << 10
	maxCanary        = 4 << 10
	// minCipherChunk and maxCipherChunk are how many bytes may be encrypted in one piece.
	minCipherChunk = 4 << 10
	maxCipherChunk = 1 << 20
)

// maxBlobsInMemory is of how many blobs the index is kept in memory, each of which takes 60 bytes there. Beyond that it goes to
// temporary files. It changes in tests.
var maxBlobsInMemory = 1 << 20

// bounds are the limits that differ between packages and archives.
type bounds struct {
	blobs int
	// chunks is how many a file may have that are kept in memory; list is how long a list of them may be.
	chunks int
	list   int64
	// metadata is how many decoded bytes there may be of what describes the content, in all that is read of one file.
	metadata int64
	// encrypted is what is said of an encrypted file.
	encrypted string
}

var packageBounds = bounds{
	blobs: MaxBlobs, chunks: maxChunks, list: MaxBlob, metadata: maxMetadata,
	encrypted: "the package is encrypted; plakar installs plain ones only",
}

// archiveBounds are those of an archive of size bytes. Entries compress well, so that its metadata is a multiple of it,
// which keeps the time to read a small file short.
func archiveBounds(size int64) bounds {
	return bounds{
		blobs: maxArchiveBlobs, chunks: maxArchiveChunks, list: maxArchiveList,
		metadata:  freeUnpacked + maxRatio*min(size, 1<<50),
		encrypted: "it is encrypted, and takes a passphrase",
	}
}

// maxDecoded is how large a blob of the type may be once decompressed.
func maxDecoded(typ resources.Type) int {
	switch typ {
	case resources.RT_CHUNK, resources.RT_OBJECT:
		return MaxBlob
	case resources.RT_VFS_NODE, resources.RT_ERROR_NODE, resources.RT_XATTR_NODE, resources.RT_BTREE_NODE:
		return maxNode
	}
	return maxRecord
}
