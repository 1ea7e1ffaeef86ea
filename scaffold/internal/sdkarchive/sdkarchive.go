// Package sdkarchive makes the archive of the SDK that kpkg carries.
package sdkarchive

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/txtar"
)

// Of is the SDK of the repository at root as a txtar: what is not a test, nor only measured.
func Of(root string) ([]byte, error) {
	folder := filepath.Join(root, "sdk")
	license, err := os.ReadFile(filepath.Join(root, "LICENSE"))
	if err != nil {
		return nil, err
	}
	archive := txtar.Archive{
		Comment: []byte("The SDK of kpkg, for kpkg init. Made by go generate: do not edit.\n"),
		Files:   []txtar.File{{Name: "LICENSE", Data: license}},
	}
	err = filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(folder, name)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		if entry.IsDir() {
			if relative == "internal/minimal" || entry.Name() == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(relative, ".go") || strings.HasSuffix(relative, "_test.go") {
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if strings.Contains("\n"+string(data), "\n-- ") {
			return errors.New(relative + " has a line that a txtar takes for the begin of a file")
		}
		archive.Files = append(archive.Files, txtar.File{Name: relative, Data: data})
		return nil
	})
	return txtar.Format(&archive), err
}
