package serve

import (
	"context"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"github.com/PlakarKorp/kloset/snapshot/vfs"
	"golang.org/x/net/webdav"

	"github.com/PlakarKorp/kpkg/ptarread"
)

// serveDAV answers what a drive asks that is only read. A listing of everything at once is refused: it has no bound.
func (s *Server) serveDAV(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case "OPTIONS", http.MethodGet, http.MethodHead:
	case "PROPFIND":
		if depth := r.Header.Get("Depth"); depth != "0" && depth != "1" {
			http.Error(w, "propfind-finite-depth", http.StatusForbidden)
			return
		}
	default:
		w.Header().Set("Allow", "OPTIONS, GET, HEAD, PROPFIND")
		http.Error(w, "the archive is read only", http.StatusMethodNotAllowed)
		return
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		attachment(w, path.Base(r.URL.Path), "application/octet-stream")
	}
	s.dav.ServeHTTP(w, r)
}

// davFS has a folder for each snapshot, and in that what its source began at.
type davFS struct{ s *Server }

func (davFS) Mkdir(context.Context, string, os.FileMode) error { return os.ErrPermission }
func (davFS) RemoveAll(context.Context, string) error          { return os.ErrPermission }
func (davFS) Rename(_ context.Context, _, _ string) error      { return os.ErrPermission }
func (d *davFS) Stat(ctx context.Context, name string) (os.FileInfo, error) {
	f, err := d.open(ctx, name)
	if err != nil {
		return nil, err
	}
	return f.info, nil
}

func (d *davFS) OpenFile(ctx context.Context, name string, flag int, _ os.FileMode) (webdav.File, error) {
	if flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND) != 0 {
		return nil, os.ErrPermission
	}
	f, err := d.open(ctx, name)
	if err != nil {
		return nil, err
	}
	if f.info.mode.IsRegular() {
		if f.SectionReader, err = f.snapshot.OpenContent(f.ctx, f.entry.Object); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (d *davFS) open(ctx context.Context, name string) (*davFile, error) {
	clean := strings.TrimPrefix(path.Clean("/"+name), "/")
	if clean == "" {
		return &davFile{ctx: ctx, s: d.s, info: davInfo{name: "/", mode: fs.ModeDir | 0o555}}, nil
	}
	id, below, _ := strings.Cut(clean, "/")
	snapshot, err := d.s.opts.Archive.Snapshot(ctx, id)
	if err != nil {
		return nil, fs.ErrNotExist
	}
	entry, err := snapshot.Entry(ctx, at(snapshot, below))
	if err != nil {
		return nil, fs.ErrNotExist
	}
	info := infoOf(entry)
	if below == "" {
		info.name = id
	}
	if !info.mode.IsDir() && !info.mode.IsRegular() {
		return nil, fs.ErrNotExist // links and devices are nothing that a drive shows
	}
	return &davFile{ctx: ctx, s: d.s, snapshot: snapshot, entry: entry, info: info}, nil
}

func infoOf(e *vfs.Entry) davInfo {
	return davInfo{name: e.Name(), mode: e.FileInfo.Mode(), size: e.FileInfo.Size(), time: e.FileInfo.ModTime()}
}

// davFile is an open file or folder.
type davFile struct {
	*io.SectionReader
	ctx      context.Context
	s        *Server
	snapshot *ptarread.Snapshot // nil for the folder of all
	entry    *vfs.Entry
	info     davInfo
}

func (f *davFile) Read(p []byte) (int, error) {
	if f.SectionReader == nil {
		return 0, fs.ErrInvalid
	}
	return f.SectionReader.Read(p)
}

func (f *davFile) Seek(offset int64, whence int) (int64, error) {
	if f.SectionReader == nil {
		return 0, fs.ErrInvalid
	}
	return f.SectionReader.Seek(offset, whence)
}

func (f *davFile) Write([]byte) (int, error)  { return 0, os.ErrPermission }
func (f *davFile) Close() error               { return nil }
func (f *davFile) Stat() (os.FileInfo, error) { return f.info, nil }
func (f *davFile) Readdir(int) ([]os.FileInfo, error) {
	var all []os.FileInfo
	if f.snapshot == nil {
		for _, info := range f.s.latestFirst() {
			all = append(all, davInfo{name: info.ID[:16], mode: fs.ModeDir | 0o555, time: info.Time})
		}
		return all, nil
	}
	if !f.info.mode.IsDir() {
		return nil, fs.ErrInvalid
	}
	below := strings.TrimPrefix(f.entry.Path(), strings.TrimSuffix(f.snapshot.Source().Root, "/"))
	err := f.snapshot.Folder(f.ctx, at(f.snapshot, below), "", func(_ string, e *vfs.Entry) error {
		if mode := e.FileInfo.Mode(); mode.IsDir() || mode.IsRegular() {
			all = append(all, infoOf(e))
		}
		return nil
	})
	return all, err
}

// davInfo is what a drive gets to know of an entry. Its type is told, not read out of the content.
type davInfo struct {
	name string
	mode fs.FileMode
	size int64
	time time.Time
}

func (i davInfo) Name() string                                { return i.name }
func (i davInfo) Size() int64                                 { return i.size }
func (i davInfo) Mode() fs.FileMode                           { return i.mode }
func (i davInfo) ModTime() time.Time                          { return i.time }
func (i davInfo) IsDir() bool                                 { return i.mode.IsDir() }
func (i davInfo) Sys() any                                    { return nil }
func (i davInfo) ContentType(context.Context) (string, error) { return "application/octet-stream", nil }
