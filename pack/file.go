package pack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/PlakarKorp/kpkg/internal/place"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// File packs to the file at path, which appears under its name once it is whole and opens. Without force a file that is there is
// kept, and the error wraps fs.ErrExist. Neither the file nor what it replaces is packed.
func File(ctx context.Context, path string, force bool, opts Options) (result Result, err error) {
	if err := place.Free(path, force); err != nil {
		return Result{}, err
	}
	skip := opts.Skip
	replaced, _ := os.Stat(path)
	err = place.File(ctx, path, force, func(temporary string) (err error) {
		file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err != nil {
			return fmt.Errorf("make a temporary file for %s: %w", path, err)
		}
		own, err := file.Stat()
		if err != nil {
			return errors.Join(err, file.Close())
		}
		opts.Skip = func(info fs.FileInfo) bool {
			return os.SameFile(info, own) || replaced != nil && replaced.Mode().IsRegular() && os.SameFile(info, replaced) ||
				skip != nil && skip(info)
		}
		result, err = Write(ctx, file, opts)
		return errors.Join(err, file.Close())
	}, func(temporary string) error {
		archive, err := ptarread.OpenArchive(ctx, temporary, ptarread.Options{
			Passphrase: func(context.Context) ([]byte, error) { return opts.Passphrase, nil },
		})
		if err != nil {
			return fmt.Errorf("read the archive again: %w", err)
		}
		defer archive.Close()
		if _, err := archive.Snapshot(ctx, "latest"); err != nil {
			return fmt.Errorf("read the archive again: %w", err)
		}
		return nil
	})
	return result, err
}
