package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/PlakarKorp/kpkg/internal/interruptible"
	"github.com/PlakarKorp/kpkg/internal/regular"
)

// Assembled is a release whose files were made elsewhere.
type Assembled struct {
	// Name is the integration's.
	Name string
	// Files are those of the release, without sums and signatures, by their base names.
	Files []File
	// Paths are where they are now, by their names.
	Paths map[string]string
}

// AssembleOptions say what becomes of them.
type AssembleOptions struct {
	// OutDir is the folder of the release, which appears as a whole.
	OutDir string
	// Folders gives each integration a folder by its name in it, as Run does for several.
	Folders bool
	// Key signs all files; nil leaves them unsigned.
	Key *SecretKey
	// Replace has it take the place of another release there.
	Replace bool
}

// Assemble puts releases into one folder, which is then as one that Run has made of all of them: every file is copied, held to what Files
// say of it, and summed, and with a key signed. The same release there already is no error. Dir tells where each is in the end.
func Assemble(ctx context.Context, all []Assembled, opts AssembleOptions) (Outcome, error) {
	w := &workshop{out: filepath.Clean(opts.OutDir), force: opts.Replace, folders: opts.Folders}
	if err := w.hold(); err != nil {
		return Refused, err
	}
	defer w.close()
	// What an earlier run has left is made anew: copying is quick.
	if err := errors.Join(removeIfThere(filepath.Join(w.path, begunName)), os.RemoveAll(w.tree())); err != nil {
		return Refused, fmt.Errorf("emptying %s: %w", w.path, err)
	}
	for _, one := range all {
		dir := releaseDir(w.tree(), one.Name, w.folders)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return Refused, fmt.Errorf("making the folder of the release: %w", err)
		}
		for _, file := range one.Files {
			if err := copyFile(ctx, one.Paths[file.Name], filepath.Join(dir, file.Name), file, opts.Key); err != nil {
				return Refused, fmt.Errorf("taking %s into the release: %w", file.Name, err)
			}
		}
	}
	return w.place(ctx)
}

// AssembledDir is the folder of one of the releases that Assemble has put into outDir.
func AssembledDir(outDir, name string, folders bool) string {
	return releaseDir(filepath.Clean(outDir), name, folders)
}

// copyFile copies a file of a release and writes its sum, and with a key its signature.
func copyFile(ctx context.Context, from, to string, file File, key *SecretKey) (err error) {
	in, err := regular.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, interruptible.Reader(ctx, in))
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return err
	}
	var sum Sum
	if key != nil {
		sum, err = Sign(ctx, to, key)
	} else {
		sum, err = WriteSum(ctx, to)
	}
	if err == nil && sum.SHA256 != file.SHA256 {
		err = fmt.Errorf("%s was changed after it was looked at: something else writes there", from)
	}
	return err
}
