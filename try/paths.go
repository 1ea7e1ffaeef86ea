package try

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/PlakarKorp/kloset/connectors"
)

// treePaths knows the paths that have come of a source, and tells which records do not fit into one tree with them: kloset
// would keep some of them where nobody finds them, one of two with the same path, or make a data file that cannot be
// listed. Folders that do not come are none of its concern, as kloset makes them, with permissions 0750 and no time.
//
// It keeps 17 bytes of a path and what a map takes beside.
type treePaths struct {
	known map[pathSum]pathKind
	// attributed are the paths of attributes whose entries have not come yet.
	attributed map[string]bool
}

type pathSum [16]byte

// pathKind is what is known of a path: whether an entry came with it, whether that is a folder, and whether something is
// below it.
type pathKind uint8

const (
	entryPath pathKind = 1 << iota
	folderPath
	parentPath
)

func newTreePaths() *treePaths {
	return &treePaths{known: map[pathSum]pathKind{sumOf("/"): parentPath}, attributed: map[string]bool{}}
}

// sumOf is of a path, or of a path and the name of an attribute.
func sumOf(texts ...string) pathSum {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return pathSum(sum[:])
}

// cleanPath is the path that an error about a path is filed under.
func cleanPath(name string) string {
	return path.Clean("/" + strings.ReplaceAll(name, "\x00", "\uFFFD"))
}

// add takes a record's path, or says why the record does not fit. An error needs no place in the tree.
func (t *treePaths) add(r *connectors.Record) error {
	name := r.Pathname
	if !path.IsAbs(name) || cleanPath(name) != name {
		if r.Err != nil {
			return fmt.Errorf("%w (of the path %s)", r.Err, quoted(name))
		}
		return fmt.Errorf("the importer gives it the path %s, which is not absolute and clean", quoted(name))
	}
	switch {
	case r.Err != nil:
		return nil
	case r.IsXattr:
		return t.addAttribute(r)
	}
	if name == "/" && (r.FileInfo.Lname == "" || r.FileInfo.Lname == ".") {
		r.FileInfo.Lname = "/" // it has no other name
	}
	if last := path.Base(name); r.FileInfo.Lname != last {
		return fmt.Errorf("the importer names it %s, which is not the end of its path", quoted(r.FileInfo.Lname))
	}
	sum := sumOf(name)
	switch known := t.known[sum]; {
	case known&entryPath != 0:
		return errors.New("the importer brings it twice; the first is kept")
	case known&parentPath != 0 && !r.FileInfo.Lmode.IsDir():
		return errors.New("the importer has brought entries below it, and it is no folder")
	}
	var parents []pathSum
	for parent := name; parent != "/"; {
		parent = path.Dir(parent)
		sum := sumOf(parent)
		known := t.known[sum]
		if known&entryPath != 0 && known&folderPath == 0 {
			return fmt.Errorf("the importer brings it below %s, which is no folder", quoted(parent))
		}
		if known != 0 { // then so is what is above
			break
		}
		parents = append(parents, sum)
	}
	for _, parent := range parents {
		t.known[parent] |= parentPath
	}
	t.known[sum] |= entryPath
	if r.FileInfo.Lmode.IsDir() {
		t.known[sum] |= folderPath
	}
	if name != "/" {
		t.known[sumOf(path.Dir(name))] |= parentPath
	}
	delete(t.attributed, name)
	return nil
}

func (t *treePaths) addAttribute(r *connectors.Record) error {
	sum := sumOf(r.Pathname, r.XattrName)
	if t.known[sum] != 0 {
		return fmt.Errorf("the importer brings its attribute %s twice", quoted(r.XattrName))
	}
	t.known[sum] = entryPath
	if t.known[sumOf(r.Pathname)]&entryPath == 0 {
		t.attributed[r.Pathname] = true
	}
	return nil
}

// orphans are errors for the attributes of what has not come, once all has.
func (t *treePaths) orphans() []*connectors.Record {
	var orphans []*connectors.Record
	for name := range t.attributed {
		err := errors.New("the importer brings an attribute of it, and not the entry itself")
		orphans = append(orphans, connectors.NewError(name, &refusedRecord{nil, err}))
	}
	slices.SortFunc(orphans, func(a, b *connectors.Record) int { return strings.Compare(a.Pathname, b.Pathname) })
	return orphans
}

// quoted is a name of a source in an error, of which a path may have 4,096 bytes.
func quoted(name string) string {
	if len(name) > maxMessage/4 {
		return fmt.Sprintf("%q... (%d bytes)", name[:maxMessage/4], len(name))
	}
	return fmt.Sprintf("%q", name)
}
