package release

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/regular"
)

// Sign writes F.sum and F.sum.sig beside the file F at path. A signature that is there is replaced: that is how files get
// that of a new key. A sum that is there and is not F's is an error, since either of the two may be the wrong one.
func Sign(ctx context.Context, path string, key *SecretKey) (Sum, error) {
	for _, extension := range []string{SignatureExtension, SumExtension, SecretExtension} {
		if strings.HasSuffix(path, extension) {
			return Sum{}, fmt.Errorf("%s: give the files that are to be signed; a sum and a signature are written beside each", path)
		}
	}
	sum, err := WriteSum(ctx, path)
	if err != nil {
		return Sum{}, err
	}
	signature, err := key.Sign([]byte(sum.String()))
	if err != nil {
		return Sum{}, err
	}
	return sum, writeNew(ctx, path+SignatureExtension, signature, true)
}

// WriteSum writes F.sum beside the file F at path, or finds it there.
func WriteSum(ctx context.Context, path string) (Sum, error) {
	sum, err := SumFile(ctx, path)
	if err != nil {
		return Sum{}, err
	}
	if _, err := ParseSum([]byte(sum.String())); err != nil {
		return Sum{}, fmt.Errorf("%q is no name that a sum can have", filepath.Base(path))
	}
	there, err := readSum(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return sum, writeNew(ctx, path+SumExtension, []byte(sum.String()), false)
	case err != nil:
		return Sum{}, err
	case there != sum:
		return Sum{}, fmt.Errorf("%s says that %s has the SHA-256 %s, and the file has %s: find out which of the two was changed; "+
			"if the file is right, remove %[1]s", path+SumExtension, there.Name, there.SHA256, sum.SHA256)
	}
	return sum, nil
}

// readSum reads F.sum beside the file F at path.
func readSum(path string) (Sum, error) {
	data, err := regular.Read(path+SumExtension, MaxSidecar)
	if err != nil {
		return Sum{}, fmt.Errorf("reading the sum: %w", err)
	}
	sum, err := ParseSum(data)
	if err != nil {
		return Sum{}, fmt.Errorf("reading %s: %w", path+SumExtension, err)
	}
	return sum, nil
}
