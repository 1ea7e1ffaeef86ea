package inspect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/PlakarKorp/kloset/snapshot/vfs"

	"github.com/PlakarKorp/kpkg/internal/selection"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// Node is a part of a ptar and how much of its unpacked bytes it has: a file, a module of a program, a folder.
type Node struct {
	Name  string
	Bytes int64
	Parts []Node
}

// maxNodes is how many parts are told apart at the top, and of all folders there together; what comes after them is summed.
const maxNodes = 5000

// rest is the name of what is summed.
const rest = "(other)"

// tree says what a package is made of: its files, and the modules of programs.
func (p *Package) tree() []Node {
	programs := map[string]Program{}
	for _, program := range p.Programs {
		programs[program.Path] = program
	}
	var all []Node
	for _, f := range p.Files {
		n := Node{Name: f.Path, Bytes: f.Size}
		for _, m := range programs[f.Path].Sizes {
			n.Parts = append(n.Parts, Node{Name: cmp.Or(m.Module, "tables and data"), Bytes: m.Code + m.Data})
		}
		all = append(all, n)
	}
	return sortNodes(all)
}

// folders says what a snapshot is made of: what its source began at, and the folders in that.
func folders(ctx context.Context, snapshot *ptarread.Snapshot) ([]Node, error) {
	sums, tops := map[[2]string]int64{}, map[string]bool{}
	selected, err := selection.New(snapshot.Source().Root, nil)
	if err != nil {
		return nil, err
	}
	err = selected.Walk(ctx, snapshot, func(below string, e *vfs.Entry, err error) error {
		if err != nil || !e.FileInfo.Mode().IsRegular() {
			return nil // what cannot be read has no size; kpkg check says so
		}
		first, inside, _ := strings.Cut(below, "/")
		second, _, _ := strings.Cut(inside, "/")
		key := [2]string{first, second}
		if _, known := sums[key]; !known {
			switch {
			case !tops[first] && len(tops) >= maxNodes:
				key = [2]string{rest, ""}
			case second != "" && len(sums) >= maxNodes:
				key[1] = rest
			}
		}
		tops[key[0]] = true
		sums[key] += max(e.FileInfo.Size(), 0)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sum the folders: %w", err)
	}
	by := map[string]*Node{}
	for key, bytes := range sums {
		n := by[key[0]]
		if n == nil {
			n = &Node{Name: key[0]}
			by[key[0]] = n
		}
		n.Bytes += bytes
		if key[1] != "" {
			n.Parts = append(n.Parts, Node{Name: key[1], Bytes: bytes})
		}
	}
	var all []Node
	for _, n := range by {
		n.Parts = sortNodes(n.Parts)
		all = append(all, *n)
	}
	return sortNodes(all), nil
}

// sortNodes puts the largest first.
func sortNodes(nodes []Node) []Node {
	slices.SortFunc(nodes, func(a, b Node) int { return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Name, b.Name)) })
	return nodes
}
