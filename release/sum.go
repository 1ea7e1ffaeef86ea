package release

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/sha256sum"
)

// SumExtension and SignatureExtension end the names of the files that hold the sum of a file and the signature of the sum.
const (
	SumExtension       = ".sum"
	SignatureExtension = ".sum.sig"
)

// MaxSidecar is how much of a sum, a signature or a key is read, in bytes: as much as clients read of a signature.
const MaxSidecar = 64 << 10

// Sum is what F.sum says of a file.
type Sum struct {
	// Name is the base name of the file.
	Name string
	// SHA256 in lower-case hexadecimal.
	SHA256 string
}

// String is the line that goes into F.sum, in the form of sha256sum --tag, with its newline.
func (s Sum) String() string { return "SHA256 (" + s.Name + ") = " + s.SHA256 + "\n" }

var sumLine = regexp.MustCompile(`^SHA256 \(([^/\\\x00-\x1f\x7f]+)\) = ([0-9a-f]{64})\n?$`)

// ParseSum reads the content of F.sum, which is one line.
func ParseSum(data []byte) (Sum, error) {
	parts := sumLine.FindSubmatch(data)
	if parts == nil {
		return Sum{}, errors.New("it is not one line of the form SHA256 (NAME) = HEX")
	}
	return Sum{string(parts[1]), string(parts[2])}, nil
}

// SumFile sums the regular file at path.
func SumFile(ctx context.Context, path string) (Sum, error) {
	file, err := regular.Open(path)
	if err != nil {
		return Sum{}, fmt.Errorf("summing: %w", err)
	}
	defer file.Close()
	sum, _, err := sha256sum.Of(ctx, file)
	if err != nil {
		return Sum{}, fmt.Errorf("summing %s: %w", path, err)
	}
	return Sum{filepath.Base(path), sum}, nil
}
