// Package sha256sum sums files, as the program of that name does, and stops when it is told to.
package sha256sum

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
)

// block is how many bytes are read between two looks at the context.
const block = 4 << 20

// File returns the SHA-256 of the file at path in lower-case hexadecimal, and its size in bytes.
func File(ctx context.Context, path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	return Of(ctx, f)
}

// Of is File for what r gives up to its end.
func Of(ctx context.Context, r io.Reader) (sum string, size int64, err error) {
	h := sha256.New()
	for {
		if err := ctx.Err(); err != nil {
			return "", 0, context.Cause(ctx)
		}
		n, err := io.CopyN(h, r, block)
		size += n
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), size, nil
		}
		if err != nil {
			return "", 0, err
		}
	}
}
