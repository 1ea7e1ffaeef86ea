package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/access"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/release"
)

// source is where a tree that is checked is read from. Errors about a file that is not there wrap fs.ErrNotExist.
type source interface {
	// open gives a file as something to read from its begin to its end.
	open(ctx context.Context, name string) (io.ReadCloser, error)
	// list gives the paths of all files in the tree; ok is false where only files of known names can be read.
	list() (names []string, ok bool, err error)
}

// openSource takes a folder, or the address of one that a web server shows.
func openSource(location string) (source, error) {
	if !strings.Contains(location, "://") {
		info, err := os.Stat(location)
		if err == nil && !info.IsDir() {
			err = errors.New("it is no folder")
		}
		if err != nil {
			return nil, fmt.Errorf("opening the tree %s: %w", location, err)
		}
		return folder{location}, nil
	}
	if u, err := url.Parse(location); err != nil || !access.IsAddress(location) || u.Host == "" {
		return nil, fmt.Errorf("%s is neither a folder nor a web address", access.Shown(location))
	}
	return site{location}, nil
}

// folder is a tree on disk.
type folder struct{ root string }

func (f folder) open(_ context.Context, name string) (io.ReadCloser, error) {
	return regular.Open(filepath.Join(f.root, filepath.FromSlash(name)))
}

func (f folder) list() (names []string, ok bool, err error) {
	err = filepath.WalkDir(f.root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		relative, err := filepath.Rel(f.root, file)
		names = append(names, filepath.ToSlash(relative))
		return err
	})
	return names, true, err
}

// site is a tree behind a web server, by its address.
type site struct{ root string }

func (s site) open(ctx context.Context, name string) (io.ReadCloser, error) {
	content, _, err := s.openAt(ctx, name, 0)
	return content, err
}

// openAt is open from an offset, or from the begin where the server gives no parts.
func (s site) openAt(ctx context.Context, name string, offset int64) (content io.ReadCloser, begin int64, err error) {
	u, err := url.Parse(s.root)
	if err != nil {
		return nil, 0, err
	}
	u.Path, u.RawPath = path.Join("/", u.Path, name), ""
	return access.OpenAt(ctx, u.String(), offset)
}

func (s site) list() ([]string, bool, error) { return nil, false, nil }

// ownLength is how much is read of a file that tells of others, by its name.
func ownLength(name string) int64 {
	if path.Base(name) == release.RecipeName {
		return release.MaxSidecar
	}
	return maxJSON
}

// read gives the content of a file of at most limit bytes.
func read(ctx context.Context, from source, name string, limit int64) ([]byte, error) {
	file, err := from.open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	return data, nil
}
