package try

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/internal/place"
	"github.com/PlakarKorp/kpkg/internal/ptar"
	"github.com/PlakarKorp/kpkg/internal/regular"
)

// checkOutput refuses a data file that must not be made: one that is there already and is not to be replaced, or that is
// the package, the source, or anything but a data file.
func checkOutput(ctx context.Context, opts Options) error {
	if err := place.Free(opts.Data, opts.Force); err != nil {
		return err
	}
	if sameFile(opts.Data, opts.Package) {
		return usagef("%s is the package: give the data file another name", opts.Data)
	}
	if sameFile(opts.Data, host.ParseLocation(opts.Location).Rest) {
		return usagef("%s is the source: give the data file another name", opts.Data)
	}
	begin, err := beginning(opts.Data)
	if err != nil || len(begin) == 0 { // none, or an empty one
		return err
	}
	if string(begin) != ptar.Magic {
		return usagef("%s is there and no data file, and --force replaces no others", opts.Data)
	}
	data, err := openData(ctx, opts.Data, "", nil)
	if errors.Is(err, errPackage) {
		return usagef("%s is a package, and --force replaces data files only", opts.Data)
	}
	if err == nil { // a damaged one may be replaced
		data.Close()
	}
	return nil
}

// beginning is as much of a file as tells whether it is a ptar; nothing if there is no file.
func beginning(path string) ([]byte, error) {
	f, err := regular.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	begin := make([]byte, len(ptar.Magic))
	n, err := io.ReadFull(f, begin)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return begin[:n], err
}

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}
