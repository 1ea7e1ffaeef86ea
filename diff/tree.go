package diff

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/regular"
)

// Item is an entry of a tree.
type Item struct {
	// Path is below the tree's root, with slashes; "." is the root itself.
	Path string
	Mode fs.FileMode
	Size int64 // bytes of a regular file
	// Target is where a symbolic link points.
	Target string
	// Identity is equal for equal contents within one archive; "" says nothing.
	Identity string
	// Open returns the content of a regular file.
	Open func(context.Context) (Content, error)
}

// Content is what a regular file holds.
type Content interface {
	io.Reader
	io.ReaderAt
	io.Closer
}

// Tree is one side of a comparison. Items come sorted: each folder before what is in it, and that before the folder's
// neighbours. An item that cannot be read comes with an error, and the others all the same.
type Tree interface {
	Items(ctx context.Context) iter.Seq2[Item, error]
}

// Kinds of differences.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
)

// Difference is an entry that is not the same on both sides.
type Difference struct {
	Kind string
	// Old and New are the entry on either side; the one of a side that lacks it is empty.
	Old, New Item
	// What says in words what changed, each in a few: a mode, a type, a link's target, a size.
	What []string
	// Offset is the first byte that differs of contents that do; -1 where contents are the same, or are not compared.
	Offset int64
	// Facts are what Go recorded differently in two executables.
	Facts []Fact
}

// Path is the entry's.
func (d Difference) Path() string {
	if d.Kind == Removed {
		return d.Old.Path
	}
	return d.New.Path
}

// Trees visits what differs between two trees, in their order, up to the first error: types, permissions, targets of links and
// contents, but not times and owners, which every copy changes. Memory does not grow with the trees. What cannot be read of
// either is an error of the whole: a comparison that leaves something out tells nothing.
func Trees(ctx context.Context, before, after Tree, visit func(Difference) error) error {
	nextOld, stopOld := iter.Pull2(before.Items(ctx))
	defer stopOld()
	nextNew, stopNew := iter.Pull2(after.Items(ctx))
	defer stopNew()
	a, errA, hasA := nextOld()
	b, errB, hasB := nextNew()
	for hasA || hasB {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := errors.Join(errA, errB); err != nil {
			return err
		}
		order := 0
		switch {
		case !hasB:
			order = -1
		case !hasA:
			order = 1
		default:
			order = comparePaths(a.Path, b.Path)
		}
		var d Difference
		var differs bool
		switch {
		case order < 0:
			d, differs = Difference{Kind: Removed, Old: a, Offset: -1}, true
		case order > 0:
			d, differs = Difference{Kind: Added, New: b, Offset: -1}, true
		default:
			var err error
			if d, differs, err = compareItems(ctx, a, b); err != nil {
				return fmt.Errorf("comparing %s: %w", a.Path, err)
			}
		}
		if differs {
			if err := visit(d); err != nil {
				return err
			}
		}
		if order <= 0 {
			a, errA, hasA = nextOld()
		}
		if order >= 0 {
			b, errB, hasB = nextNew()
		}
	}
	return nil
}

// comparePaths orders paths as trees are walked: element by element, the root first.
func comparePaths(a, b string) int {
	if a == "." || b == "." {
		switch {
		case a == b:
			return 0
		case a == ".":
			return -1
		}
		return 1
	}
	for {
		elementA, restA, moreA := strings.Cut(a, "/")
		elementB, restB, moreB := strings.Cut(b, "/")
		if order := strings.Compare(elementA, elementB); order != 0 {
			return order
		}
		switch {
		case !moreA && !moreB:
			return 0
		case !moreA:
			return -1
		case !moreB:
			return 1
		}
		a, b = restA, restB
	}
}

// comparedMode is what is compared of a mode: the type, and the permissions of what has any of its own.
func comparedMode(m fs.FileMode) fs.FileMode {
	if m&fs.ModeSymlink != 0 {
		return fs.ModeSymlink // a link's permissions are those of the system
	}
	return m & (fs.ModeType | fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
}

func compareItems(ctx context.Context, a, b Item) (d Difference, differs bool, err error) {
	d = Difference{Kind: Changed, Old: a, New: b, Offset: -1}
	modeA, modeB := comparedMode(a.Mode), comparedMode(b.Mode)
	if modeA.Type() != modeB.Type() {
		d.What = append(d.What, fmt.Sprintf("it was %s, and is %s", regular.AKind(modeA), regular.AKind(modeB)))
		return d, true, nil
	}
	if modeA != modeB {
		d.What = append(d.What, fmt.Sprintf("mode %v, now %v", modeA, modeB))
	}
	if a.Target != b.Target {
		d.What = append(d.What, fmt.Sprintf("link to %q, now to %q", a.Target, b.Target))
	}
	if modeA.IsRegular() && (a.Identity == "" || a.Identity != b.Identity) {
		same, err := d.compareContents(ctx)
		if err != nil {
			return d, false, err
		}
		if !same && a.Size != b.Size {
			d.What = append(d.What, fmt.Sprintf("%d bytes, now %d", a.Size, b.Size))
		} else if !same {
			d.What = append(d.What, fmt.Sprintf("differs from byte %d on", d.Offset))
		}
	}
	return d, len(d.What) > 0, nil
}

// compareContents reads both sides up to where they differ.
func (d *Difference) compareContents(ctx context.Context) (same bool, err error) {
	packed, err := d.Old.Open(ctx)
	if err != nil {
		return false, err
	}
	defer packed.Close()
	here, err := d.New.Open(ctx)
	if err != nil {
		return false, err
	}
	defer here.Close()
	offset, same, err := firstDifference(ctx, packed, here)
	if err != nil || same {
		return same, err
	}
	d.Offset = offset
	d.Facts = builds(packed, here)
	return false, nil
}
