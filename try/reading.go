package try

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/PlakarKorp/kpkg/ptarread"
)

// packagers are the types of the importers that packages are made with, by kpkg and by plakar.
var packagers = []string{"kpkg", "pkger"}

var errPackage = errors.New("it is a package, not a data file")

// openData opens a data file.
func openData(ctx context.Context, path string) (*ptarread.Archive, error) {
	data, err := ptarread.OpenArchive(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New("there is no such file; kpkg try backup makes data files")
	}
	if err == nil && slices.Contains(packagers, data.Source().Type) {
		data.Close()
		err = errPackage
	}
	if err != nil {
		return nil, fmt.Errorf("open data file %s: %w", path, err)
	}
	return data, nil
}

// checkRoot makes sure that there is something to restore: what is above the path that the source began at is not.
func checkRoot(ctx context.Context, data *ptarread.Archive) error {
	if _, err := data.Entry(ctx, data.Source().Root); err != nil {
		return fmt.Errorf("where it begins: %w", err)
	}
	return nil
}
