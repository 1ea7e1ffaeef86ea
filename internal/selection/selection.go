// Package selection says which entries of a snapshot are meant: by paths in any form, or by patterns.
package selection

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/PlakarKorp/kloset/snapshot/vfs"

	"github.com/PlakarKorp/kpkg/ptarread"
)

// ErrNone is the error for a path or pattern that nothing in the snapshot has.
var ErrNone = errors.New("nothing in the snapshot is")

// Selection is some entries of a snapshot below the path that its source began at, its root, or all of them.
type Selection struct {
	root     string
	patterns []pattern
}

// pattern is a path below the root or a pattern of such paths, "." for the root itself.
type pattern struct {
	given string
	path  string
	// elements are those of a path with wildcards, and base is the folder that all it may match are in.
	elements []string
	base     string
}

// New selects what any of the patterns names, and all that is below it; without a pattern, all that is below the root.
//
// A pattern is a path, relative to the root or absolute, in any form: "a/b", "./a/b", "a/b/" and "/a/b" are the same. In
// an element of a path, * stands for any characters, ? for one and [a-z] for one of these; ** as an element for any number
// of elements. An entry that is called like the pattern itself is selected too.
func New(root string, patterns []string) (*Selection, error) {
	s := &Selection{root: root}
	for _, given := range patterns {
		p := pattern{given: given, path: s.Relative(given)}
		if strings.ContainsAny(p.path, `*?[`) {
			p.elements = strings.Split(p.path, "/")
			first := slices.IndexFunc(p.elements, func(e string) bool { return strings.ContainsAny(e, `*?[`) })
			p.base = path.Join(append([]string{"."}, p.elements[:first]...)...)
			for _, e := range p.elements {
				if _, err := path.Match(e, ""); err != nil {
					return nil, fmt.Errorf("the pattern %.200q has a [ without its ]", given)
				}
			}
		} else {
			p.base = p.path
		}
		s.patterns = append(s.patterns, p)
	}
	return s, nil
}

// Relative is a path in any form as it is below the root. An absolute path is one of the snapshot, or else begins at the root.
func (s *Selection) Relative(given string) string {
	if clean := path.Clean(given); path.IsAbs(clean) {
		if below, ok := Below(s.root, clean); ok {
			return below
		}
	}
	return path.Join(".", path.Clean("/" + given)[1:])
}

// Below is an absolute path as it is below root, "." for root itself; ok is false for one that is not.
func Below(root, name string) (below string, ok bool) {
	if name == root {
		return ".", true
	}
	return strings.CutPrefix(name, strings.TrimSuffix(root, "/")+"/")
}

// Has tells whether a path below the root is selected.
func (s *Selection) Has(below string) bool {
	return len(s.patterns) == 0 || slices.ContainsFunc(s.patterns, func(p pattern) bool { return p.has(below) })
}

// Named tells whether a path below the root is itself what a pattern names, and not only below that.
func (s *Selection) Named(below string) bool {
	return slices.ContainsFunc(s.patterns, func(p pattern) bool {
		return p.path == below || p.elements != nil && match(p.elements, strings.Split(below, "/"))
	})
}

func (p pattern) has(below string) bool {
	if p.path == "." || p.path == below || strings.HasPrefix(below, p.path+"/") {
		return true
	}
	return p.elements != nil && matchBeginning(p.elements, strings.Split(below, "/"))
}

// matchBeginning tells whether the elements of a pattern match a path or a folder that it is in.
func matchBeginning(pattern, name []string) bool {
	for n := 1; n <= len(name); n++ {
		if match(pattern, name[:n]) {
			return true
		}
	}
	return false
}

// match goes through both once for each **, keeping the place behind the last one to try again from.
func match(pattern, name []string) bool {
	p, n, again, from := 0, 0, -1, 0
	for n < len(name) {
		if p < len(pattern) && pattern[p] == "**" {
			again, from = p, n
			p++
			continue
		}
		if p < len(pattern) {
			if ok, err := path.Match(pattern[p], name[n]); err == nil && ok {
				p++
				n++
				continue
			}
		}
		if again < 0 {
			return false
		}
		from++
		p, n = again+1, from
	}
	for p < len(pattern) && pattern[p] == "**" {
		p++
	}
	return p == len(pattern)
}

// Path is that of a path below the root in the snapshot.
func (s *Selection) Path(below string) string { return path.Join(s.root, below) }

// Visit is told of an entry at a path below the root, or of one that cannot be read and why.
type Visit func(below string, e *vfs.Entry, err error) error

// Walk visits all that is selected, each folder before what is in it, once. Folders above what is selected are not visited. What
// a pattern names and the snapshot does not have is visited as an error, at the end.
func (s *Selection) Walk(ctx context.Context, snapshot *ptarread.Snapshot, visit Visit) error {
	if len(s.patterns) == 0 {
		return s.walk(ctx, snapshot, ".", visit)
	}
	matched := make([]bool, len(s.patterns))
	for _, base := range s.bases() {
		if _, err := snapshot.Entry(ctx, s.Path(base)); err != nil {
			if !errors.Is(err, ptarread.ErrNoEntry) {
				return err
			}
			continue
		}
		err := s.walk(ctx, snapshot, base, func(below string, e *vfs.Entry, err error) error {
			selected := false
			for i, p := range s.patterns {
				if p.has(below) {
					selected, matched[i] = true, true
				}
			}
			if !selected {
				return nil
			}
			return visit(below, e, err)
		})
		if err != nil {
			return err
		}
	}
	for i, p := range s.patterns {
		if !matched[i] {
			if err := visit(p.path, nil, fmt.Errorf("%w %.200q", ErrNone, p.given)); err != nil {
				return err
			}
		}
	}
	return nil
}

// bases are the folders and entries that a walk begins at, of which none is in another.
func (s *Selection) bases() []string {
	var bases []string
	for _, p := range s.patterns {
		bases = append(bases, p.base)
	}
	slices.SortFunc(bases, func(a, b string) int { return len(a) - len(b) })
	var top []string
	for _, b := range bases {
		if !slices.ContainsFunc(top, func(t string) bool { return t == "." || t == b || strings.HasPrefix(b, t+"/") }) {
			top = append(top, b)
		}
	}
	slices.Sort(top)
	return top
}

func (s *Selection) walk(ctx context.Context, snapshot *ptarread.Snapshot, base string, visit Visit) error {
	return snapshot.Walk(ctx, s.Path(base), func(name string, e *vfs.Entry, err error) error {
		below, ok := Below(s.root, name)
		if !ok {
			return fmt.Errorf("%.200q is not below %.200q", name, s.root)
		}
		return visit(below, e, err)
	})
}
