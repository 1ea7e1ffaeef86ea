package diff

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/PlakarKorp/kpkg/internal/regular"
)

// Folder is a folder on disk as a tree. Links in it are compared as links.
type Folder string

// Items walks the folder.
func (f Folder) Items(ctx context.Context) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		root := string(f)
		err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
			if err == nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				return err
			}
			item, err := folderItem(root, name, entry)
			if !yield(item, err) {
				return filepath.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(Item{}, fmt.Errorf("reading %s: %w", root, err))
		}
	}
}

func folderItem(root, name string, entry fs.DirEntry) (Item, error) {
	below, err := filepath.Rel(root, name)
	if err != nil {
		return Item{}, err
	}
	info, err := entry.Info()
	if err != nil {
		return Item{}, err
	}
	item := Item{Path: filepath.ToSlash(below), Mode: info.Mode(), Size: info.Size()}
	if item.Mode&fs.ModeSymlink != 0 {
		item.Target, err = os.Readlink(name)
	}
	item.Open = func(context.Context) (Content, error) { return regular.Open(name) }
	return item, err
}
