package try

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// A data file is, as integrations/ptar writes it,
//
//	magic 8 | version 4 | configuration | packfile | state | offset and length of these three, 8 bytes each
const (
	magic       = "_PLATAR_"
	startSize   = int64(len(magic) + 4)
	trailerSize = 3 * (8 + 8)
)

var (
	errNotData = errors.New("it is not a data file")
	errDamaged = errors.New("it is cut off or damaged")
)

// whole checks that a data file begins and ends as one does, and that the parts that its end names make up all of it. It
// tells what a file is that is none.
func whole(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("there is no such file; kpkg try backup makes data files")
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%w but a folder", errNotData)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w but a device, a pipe or a socket", errNotData)
	case info.Size() == 0:
		return fmt.Errorf("%w but empty", errNotData)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	begin := make([]byte, len(magic))
	if n, err := f.ReadAt(begin, 0); err != nil && err != io.EOF {
		return err
	} else if string(begin[:n]) != magic[:n] {
		return errNotData
	}
	end := info.Size() - trailerSize
	if end < startSize {
		return errDamaged
	}
	var parts [3]struct{ Offset, Length uint64 }
	if err := binary.Read(io.NewSectionReader(f, end, trailerSize), binary.LittleEndian, &parts); err != nil {
		return err
	}
	next := uint64(startSize)
	for _, part := range parts {
		if part.Offset != next || part.Length > uint64(end)-next {
			return errDamaged
		}
		next += part.Length
	}
	if next != uint64(end) {
		return errDamaged
	}
	return nil
}
