package modules

import (
	"os"
	"path/filepath"
)

// Root is the folder of the module around a folder, with the go.mod in it or nearest above it; found is false outside of any. It goes
// up the path as it is given, as go does from the folder that it is run in.
//
// A go.mod in the folder for temporary files is none: go ignores it, and looks no further up (https://go.dev/issue/26708), since some
// trial left it there, and what tests and builds make below is not meant to be of that module.
func Root(dir string) (root string, found bool) {
	if root = aboveOrIn(dir); root == "" || IsTemporary(root) {
		return "", false
	}
	return root, true
}

// aboveOrIn is the nearest folder with a go.mod, "" if there is none.
func aboveOrIn(dir string) string {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for root := absolute; ; root = filepath.Dir(root) {
		if info, err := os.Stat(filepath.Join(root, "go.mod")); err == nil && info.Mode().IsRegular() {
			return root
		}
		if root == filepath.Dir(root) {
			return ""
		}
	}
}

// IsTemporary reports whether a folder is that for temporary files, by whatever path.
func IsTemporary(dir string) bool {
	is, err := os.Stat(dir)
	if err != nil {
		return false
	}
	temporary, err := os.Stat(os.TempDir())
	return err == nil && os.SameFile(is, temporary)
}
