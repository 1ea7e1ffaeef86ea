package image

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/PlakarKorp/kpkg/internal/interruptible"
)

// rootFile is an entry of an image's root file system: a folder where open is nil.
type rootFile struct {
	name string // without a slash before it
	mode int64
	size int64
	open func() (io.ReadCloser, error)
}

// rootFiles are all entries, sorted, each folder before what is in it.
func (o Options) rootFiles() ([]rootFile, error) {
	all := map[string]rootFile{}
	for _, f := range o.Files {
		name := path.Join(folder, f.Name)
		file, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("packing %s into an image: %w", f.Name, err)
		}
		info, err := file.Stat()
		file.Close()
		if err != nil {
			return nil, fmt.Errorf("packing %s into an image: %w", f.Name, err)
		}
		mode := int64(0o644)
		if f.Executable {
			mode = 0o755
		}
		all[name] = rootFile{name, mode, info.Size(), func() (io.ReadCloser, error) { return f.Open() }}
	}
	if _, there := all[path.Join(folder, o.Executable)]; !there {
		return nil, fmt.Errorf("making an image: the executable %s is not among its files", o.Executable)
	}
	for name, content := range system() {
		all[name] = rootFile{name, 0o644, int64(len(content)), func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(content)), nil
		}}
	}
	for name := range all {
		for above := path.Dir(name); above != "."; above = path.Dir(above) {
			all[above] = rootFile{name: above, mode: 0o755}
		}
	}
	// What clients mount must be there where they make the root read-only: their socket, and a place for temporary files.
	for name, mode := range map[string]int64{"run": 0o755, "run/plakar": 0o755, "tmp": 0o1777, "proc": 0o555, "dev": 0o755, "sys": 0o555} {
		all[name] = rootFile{name: name, mode: mode}
	}
	sorted := make([]rootFile, 0, len(all))
	for _, file := range all {
		sorted = append(sorted, file)
	}
	slices.SortFunc(sorted, func(a, b rootFile) int { return strings.Compare(a.name, b.name) })
	return sorted, nil
}

// system are the files that programs look for on any Linux: who the user is, and whom to trust. Of the certificates of Mozilla's
// list those are left out whose use it restricts, as a file of certificates cannot say so.
func system() map[string][]byte {
	var certificates bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			pem.Encode(&certificates, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})
		}
	}
	const (
		users  = "root:x:0:0:root:/:/nonexistent\nplugin:x:" + user + ":" + user + ":plugin:/tmp:/nonexistent\n"
		groups = "root:x:0:\nplugin:x:" + user + ":\n"
	)
	return map[string][]byte{
		"etc/passwd": []byte(users), "etc/group": []byte(groups), "etc/nsswitch.conf": []byte("hosts: files dns\n"),
		"etc/ssl/certs/ca-certificates.crt": certificates.Bytes(),
	}
}

// streamed is the root file system as a tar. Whoever closes it early ends its making.
func streamed(ctx context.Context, files []rootFile, modified time.Time) io.ReadCloser {
	r, w := io.Pipe()
	go func() { w.CloseWithError(writeRoot(ctx, w, files, modified)) }()
	return r
}

func writeRoot(ctx context.Context, w io.Writer, files []rootFile, modified time.Time) error {
	out := tar.NewWriter(w)
	for _, file := range files {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		header := &tar.Header{
			Name: file.name, Mode: file.mode, Size: file.size, ModTime: modified.UTC().Truncate(time.Second), Typeflag: tar.TypeReg,
		}
		if file.open == nil {
			header.Typeflag, header.Name = tar.TypeDir, file.name+"/"
		}
		if err := out.WriteHeader(header); err != nil {
			return fmt.Errorf("packing %s into an image: %w", file.name, err)
		}
		if file.open == nil {
			continue
		}
		if err := copyFile(ctx, out, file); err != nil {
			return fmt.Errorf("packing %s into an image: %w", file.name, err)
		}
	}
	return out.Close()
}

func copyFile(ctx context.Context, out io.Writer, file rootFile) error {
	content, err := file.open()
	if err != nil {
		return err
	}
	defer content.Close()
	_, err = io.Copy(out, interruptible.Reader(ctx, content))
	return err
}
