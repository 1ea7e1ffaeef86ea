package diff

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"
)

// maxText is how many bytes a file may have to be shown line by line.
const maxText = 1 << 20

// ErrNoText is the error of Lines for what is no text, or too long to be shown.
var ErrNoText = errors.New("no text, or more of it than is shown")

// Lines is a difference of two text files as diff -u shows it. One of a file that one side lacks shows all of it. The error
// wraps ErrNoText for contents that are not UTF-8 without zero bytes, or have more than 1 MiB.
func (d Difference) Lines(ctx context.Context) ([]byte, error) {
	before, err := text(ctx, d.Old)
	if err != nil {
		return nil, err
	}
	after, err := text(ctx, d.New)
	if err != nil {
		return nil, err
	}
	return diff.Diff("a/"+d.Path(), before, "b/"+d.Path(), after), nil
}

func text(ctx context.Context, item Item) ([]byte, error) {
	if item.Path == "" { // the side that lacks it
		return nil, nil
	}
	if !item.Mode.IsRegular() || item.Size > maxText {
		return nil, ErrNoText
	}
	content, err := item.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	data, err := io.ReadAll(io.LimitReader(content, maxText+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", item.Path, err)
	}
	if len(data) > maxText || !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return nil, ErrNoText
	}
	return data, nil
}

// firstDifference compares two contents.
func firstDifference(ctx context.Context, a, b io.Reader) (offset int64, same bool, err error) {
	bufA, bufB := make([]byte, 256<<10), make([]byte, 256<<10)
	for {
		if err := ctx.Err(); err != nil {
			return 0, false, context.Cause(ctx)
		}
		n, errA := io.ReadFull(a, bufA)
		m, errB := io.ReadFull(b, bufB)
		if !bytes.Equal(bufA[:n], bufB[:m]) {
			at := 0
			for at < min(n, m) && bufA[at] == bufB[at] {
				at++
			}
			// What could not be read is no difference.
			return offset + int64(at), false, errors.Join(unlessEnd(errA), unlessEnd(errB))
		}
		offset += int64(n)
		if errA != nil || errB != nil {
			return 0, true, errors.Join(unlessEnd(errA), unlessEnd(errB))
		}
	}
}

func unlessEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
