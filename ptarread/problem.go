package ptarread

import "fmt"

// Kind says what a Problem means for the package.
type Kind int

const (
	// NotPackage is a file that is no ptar at all.
	NotPackage Kind = iota
	// Damaged is a file whose bytes are not those that were written: cut, grown, flipped, or never well formed.
	Damaged
	// Unsupported is a file that no released plakar installs, though nothing is wrong with its bytes: encrypted, or of
	// a version or compression that they do not know.
	Unsupported
	// Inconsistent is a file whose bytes are undamaged but contradict each other; only forging or a broken writer makes one.
	Inconsistent
	// Snapshots is a file that does not hold exactly one snapshot.
	Snapshots
	// TooLarge is a file that goes over one of the limits of this package.
	TooLarge
	// Unused is a file that holds bytes or entries that nothing refers to. plakar ignores them.
	Unused
)

// String is a short name for the kind, as in messages.
func (k Kind) String() string {
	return [...]string{"not a package", "damaged", "unsupported", "inconsistent", "snapshots", "too large",
		"unused data"}[k]
}

// The places of a package that problems name. The packfile's blobs, index and footer are regions of their own.
const (
	regionFile     = "file"
	regionMagic    = "magic"
	regionConfig   = "config"
	regionPackfile = "packfile"
	regionBlobs    = "blobs"
	regionIndex    = "index"
	regionFooter   = "footer"
	regionState    = "state"
	regionTrailer  = "trailer"
	regionSnapshot = "snapshot"
	regionTree     = "tree"
	regionContent  = "content"
)

// nowhere is the Offset of a problem that is not at one place.
const nowhere = -1

// Problem is one thing that is wrong with a package. It is the error of every function here when the package is at
// fault; errors of other types are failures to read it.
type Problem struct {
	Kind Kind
	// Region names the part of the file: file, magic, config, packfile, blobs, index, footer, state, trailer, or what
	// they encode: snapshot, tree, content.
	Region string
	// Offset is where in the file the part begins, -1 when it is not one place.
	Offset int64
	// Message says what is wrong, in lower case and without a full stop.
	Message string
	// Files are the first of an archive's files that damage hits, Hit is how many there are: SNAPSHOT:PATH with the first eight
	// digits of the snapshot, and the folder of a listing or the root of a tree that cannot be read.
	Files []string
	Hit   int

	blob blobID // that is wrong
}

// Error is the region, the offset when there is one, and the message.
func (p *Problem) Error() string {
	switch {
	case p.Region == regionFile:
		return p.Message
	case p.Offset < 0:
		return fmt.Sprintf("%s: %s", p.Region, p.Message)
	}
	return fmt.Sprintf("%s at byte %d: %s", p.Region, p.Offset, p.Message)
}

func problemf(kind Kind, region string, offset int64, format string, args ...any) *Problem {
	return &Problem{Kind: kind, Region: region, Offset: offset, Message: fmt.Sprintf(format, args...)}
}
