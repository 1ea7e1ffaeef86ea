package image

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/PlakarKorp/kpkg/internal/interruptible"
)

// Unpack unpacks an image into the folder dir, which is there and empty, layer by layer, and compares the sums of what is in the
// layers. It takes files and folders, whoever they belong to, and refuses all else, links and what removes files of other layers
// included: images that kpkg makes have nothing of the kind.
func (a *Archive) Unpack(ctx context.Context, found Found, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for i, layer := range found.layers {
		err := a.walkLayer(ctx, layer, found.diffIDs[i], func(header *tar.Header, content io.Reader) error {
			return unpackEntry(root, header, content)
		})
		if err != nil {
			return fmt.Errorf("unpacking the image %s: %w", found.ID, err)
		}
	}
	return nil
}

// maxProgram is how large a program may be, in bytes: as large as a file of a package.
const maxProgram = 2 << 30

// Program writes the executable that an image runs, by its path in the image, into the file to, which is empty, and returns how many
// bytes it has. Its layer's sums are compared.
func (a *Archive) Program(ctx context.Context, found Found, to *os.File) (size int64, err error) {
	if len(found.Entrypoint) == 0 {
		return 0, errors.New("it has no entry point")
	}
	wanted, there := path.Clean(strings.TrimPrefix(found.Entrypoint[0], "/")), false
	for i, layer := range found.layers { // a later one replaces what an earlier one has
		err := a.walkLayer(ctx, layer, found.diffIDs[i], func(header *tar.Header, r io.Reader) error {
			if header.Typeflag != tar.TypeReg || path.Clean(strings.TrimPrefix(header.Name, "/")) != wanted {
				return nil
			}
			if header.Size > maxProgram {
				return fmt.Errorf("%s has %d bytes, more than %d", wanted, header.Size, int64(maxProgram))
			}
			there = true
			if _, err := to.Seek(0, io.SeekStart); err != nil {
				return err
			}
			if size, err = io.Copy(to, io.LimitReader(r, maxProgram)); err != nil {
				return err
			}
			return to.Truncate(size)
		})
		if err != nil {
			return 0, fmt.Errorf("reading the image %s: %w", found.ID, err)
		}
	}
	if !there {
		return 0, fmt.Errorf("the image %s has no file %.200q, which is its entry point", found.ID, found.Entrypoint[0])
	}
	return size, nil
}

// walkLayer has use look at each entry of a layer, and then compares its sum. What may be unpacked of the archive becomes less by it.
func (a *Archive) walkLayer(
	ctx context.Context, layer v1.Descriptor, diffID v1.Hash, use func(*tar.Header, io.Reader) error,
) error {
	name, err := nameOf(layer.Digest)
	if err != nil {
		return err
	}
	compressed, err := a.open(name)
	if err != nil {
		return err
	}
	var content io.Reader = compressed
	if magic := make([]byte, 2); compressed.Size() > 2 {
		compressed.ReadAt(magic, 0)
		if magic[0] == 0x1f && magic[1] == 0x8b { // RFC 1952, 2.3.1
			if content, err = gzip.NewReader(compressed); err != nil {
				return err
			}
		}
	}
	sum := sha256.New()
	summed := &bounded{interruptible.Reader(ctx, io.TeeReader(content, sum)), &a.layersLeft}
	in := tar.NewReader(summed)
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if errors.Is(err, tar.ErrHeader) {
			return fmt.Errorf("a layer is no tar, nor one that gzip has compressed: %w", err)
		}
		if err != nil {
			return err
		}
		if a.filesLeft--; a.filesLeft < 0 {
			return fmt.Errorf("it unpacks to more than %d files", maxFiles)
		}
		if header.Size > a.contentLeft {
			return unpacksToMore()
		}
		if len(header.Name) > maxName {
			return fmt.Errorf("%.200q is the beginning of a name of %d bytes, more than %d", header.Name, len(header.Name), maxName)
		}
		if err := use(header, &bounded{in, &a.contentLeft}); err != nil {
			return err
		}
	}
	return compare(summed, sum, diffID)
}

// compare reads the rest and holds the sum to the one that is known.
func compare(rest io.Reader, sum hash.Hash, known v1.Hash) error {
	if _, err := io.Copy(io.Discard, rest); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != known.Hex {
		return fmt.Errorf("a layer has the sum %s, not %s, which its configuration names", got, known.Hex)
	}
	return nil
}

// bounded ends what expands beyond all reason.
type bounded struct {
	r    io.Reader
	left *int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if *b.left -= int64(n); *b.left < 0 {
		return 0, unpacksToMore()
	}
	return n, err
}

func unpacksToMore() error { return fmt.Errorf("it unpacks to more than %d bytes", int64(maxUnpacked)) }

func unpackEntry(root *os.Root, header *tar.Header, content io.Reader) error {
	name := path.Clean(strings.TrimPrefix(header.Name, "/"))
	if strings.HasPrefix(path.Base(name), ".wh.") {
		return fmt.Errorf("%.200q removes a file of another layer", header.Name)
	}
	// A folder that cannot be entered would be in the way of what is in it.
	mode := fs.FileMode(header.Mode).Perm()
	switch header.Typeflag {
	case tar.TypeDir:
		if name == "." {
			return nil
		}
		if err := root.MkdirAll(name, 0o755); err != nil {
			return err
		}
		return root.Chmod(name, mode|0o700)
	case tar.TypeReg:
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return err
		}
		if info, err := root.Lstat(name); err == nil && !info.IsDir() { // another layer's, which may be closed to writing
			if err := root.Remove(name); err != nil {
				return err
			}
		}
		file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(file, content)
		return errors.Join(err, file.Chmod(mode|0o400), file.Close())
	}
	return fmt.Errorf("%.200q is neither a file nor a folder", header.Name)
}
