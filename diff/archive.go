package diff

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/PlakarKorp/kloset/snapshot/vfs"

	"github.com/PlakarKorp/kpkg/ptarread"
)

// Snapshot is what a snapshot's source began at, and all that is below it, as a tree.
type Snapshot struct {
	*ptarread.Snapshot
	// Archive is the one that it is in.
	Archive *ptarread.Archive
}

var errStopped = errors.New("no more is wanted")

// Items walks the snapshot.
func (s Snapshot) Items(ctx context.Context) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		root := s.Source().Root
		repository := s.Archive.Info().RepositoryID
		err := s.Walk(ctx, root, func(name string, e *vfs.Entry, err error) error {
			item := Item{Path: belowRoot(root, name)}
			if err != nil {
				err = fmt.Errorf("reading %s: %w", name, err)
			} else {
				item.Mode, item.Size, item.Target = e.FileInfo.Mode(), e.FileInfo.Size(), e.SymlinkTarget
				item.Identity = repository + " " + hex.EncodeToString(e.Object[:])
				item.Open = func(ctx context.Context) (Content, error) {
					content, err := s.OpenContent(ctx, e.Object)
					return sectionContent{content}, err
				}
			}
			if !yield(item, err) {
				return errStopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(Item{}, err)
		}
	}
}

func belowRoot(root, name string) string {
	if name == root {
		return "."
	}
	return strings.TrimPrefix(name, strings.TrimSuffix(root, "/")+"/")
}

// sectionContent needs no closing.
type sectionContent struct{ *io.SectionReader }

func (sectionContent) Close() error { return nil }

// Package is a package as a tree.
type Package struct{ *ptarread.Package }

// Items lists what plakar installs.
func (p Package) Items(context.Context) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		entries := p.Entries()
		slices.SortFunc(entries, func(a, b ptarread.Entry) int { return comparePaths(a.Path, b.Path) })
		for _, e := range entries {
			item := Item{Path: path.Clean(e.Path), Mode: e.Mode, Size: e.Size, Target: e.LinkTarget}
			item.Open = func(context.Context) (Content, error) {
				content, err := p.OpenEntry(e.Path)
				return sectionContent{content}, err
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}
