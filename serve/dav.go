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
	case "OPTIONS":
		// Class 1 of RFC 4918 has no locks, without which clients do not try to write.
		w.Header().Set("DAV", "1")
		w.Header().Set("Allow", davMethods)
		return
	case http.MethodGet, http.MethodHead:
		attachment(w, path.Base(r.URL.Path), "application/octet-stream")
	case "PROPFIND":
		if depth := r.Header.Get("Depth"); depth != "0" && depth != "1" {
			http.Error(w, "propfind-finite-depth", http.StatusForbidden)
			return
		}
	default:
		w.Header().Set("Allow", davMethods)
		http.Error(w, "the archive is read only", http.StatusMethodNotAllowed)
		return
	}
	s.dav.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), listedKey{}, listed{})))
}

const davMethods = "OPTIONS, GET, HEAD, PROPFIND"

// listed are the entries of the folder that a request has listed, by their paths below the address: the handler then opens each of them
// to ask for what the listing has told, which would be a look-up in the archive each.
type listed map[string]davInfo

type listedKey struct{}

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
	return d.open(ctx, name)
}

func (d *davFS) open(ctx context.Context, name string) (*davFile, error) {
	f := &davFile{ctx: ctx, s: d.s, path: strings.TrimPrefix(path.Clean("/"+name), "/")}
	if f.path == "" {
		f.info = davInfo{name: "/", mode: fs.ModeDir | 0o555}
		if all := d.s.latestFirst(); len(all) > 0 {
			f.info.time = all[0].Time
		}
		return f, nil
	}
	if seen, _ := ctx.Value(listedKey{}).(listed); seen != nil {
		var ok bool
		if f.info, ok = seen[f.path]; ok {
			return f, nil
		}
	}
	_, entry, err := f.entry()
	if err != nil {
		return nil, fs.ErrNotExist
	}
	f.info = infoOf(entry)
	if !strings.Contains(f.path, "/") {
		f.info.name = f.path
	}
	if !f.info.shown() {
		return nil, fs.ErrNotExist
	}
	return f, nil
}

// davFile is an open file or folder.
type davFile struct {
	ctx     context.Context
	s       *Server
	path    string // below the address; "" for the folder of all snapshots
	info    davInfo
	content *io.SectionReader // once something has been read
}

// entry looks the file up.
func (f *davFile) entry() (*ptarread.Snapshot, *vfs.Entry, error) {
	id, below, _ := strings.Cut(f.path, "/")
	snapshot, err := f.s.opts.Archive.Snapshot(f.ctx, id)
	if err != nil {
		return nil, nil, err
	}
	entry, err := snapshot.Entry(f.ctx, at(snapshot, below))
	return snapshot, entry, err
}

func (f *davFile) open() error {
	if f.content != nil {
		return nil
	}
	if !f.info.mode.IsRegular() {
		return fs.ErrInvalid
	}
	snapshot, entry, err := f.entry()
	if err != nil {
		return err
	}
	f.content, err = snapshot.OpenContent(f.ctx, entry.Object)
	return err
}

func (f *davFile) Read(p []byte) (int, error) {
	if err := f.open(); err != nil {
		return 0, err
	}
	return f.content.Read(p)
}

func (f *davFile) Seek(offset int64, whence int) (int64, error) {
	if err := f.open(); err != nil {
		return 0, err
	}
	return f.content.Seek(offset, whence)
}

func (f *davFile) Write([]byte) (int, error)  { return 0, os.ErrPermission }
func (f *davFile) Close() error               { return nil }
func (f *davFile) Stat() (os.FileInfo, error) { return f.info, nil }
func (f *davFile) Readdir(int) ([]os.FileInfo, error) {
	var all []os.FileInfo
	if f.path == "" {
		for _, info := range f.s.latestFirst() {
			all = append(all, davInfo{name: info.ID[:16], mode: fs.ModeDir | 0o555, time: info.Time})
		}
		return all, nil
	}
	if !f.info.mode.IsDir() {
		return nil, fs.ErrInvalid
	}
	snapshot, entry, err := f.entry()
	if err != nil {
		return nil, err
	}
	seen, _ := f.ctx.Value(listedKey{}).(listed)
	below := strings.TrimPrefix(entry.Path(), strings.TrimSuffix(snapshot.Source().Root, "/"))
	err = snapshot.Folder(f.ctx, at(snapshot, below), "", func(_ string, e *vfs.Entry) error {
		if info := infoOf(e); info.shown() {
			all = append(all, info)
			if seen != nil {
				seen[path.Join(f.path, info.name)] = info
			}
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

func infoOf(e *vfs.Entry) davInfo {
	return davInfo{name: e.Name(), mode: e.FileInfo.Mode(), size: e.FileInfo.Size(), time: e.FileInfo.ModTime()}
}

// shown tells whether it is what a drive shows: links and devices are not.
func (i davInfo) shown() bool { return i.mode.IsDir() || i.mode.IsRegular() }

func (i davInfo) Name() string                                { return i.name }
func (i davInfo) Size() int64                                 { return i.size }
func (i davInfo) Mode() fs.FileMode                           { return i.mode }
func (i davInfo) ModTime() time.Time                          { return i.time }
func (i davInfo) IsDir() bool                                 { return i.mode.IsDir() }
func (i davInfo) Sys() any                                    { return nil }
func (i davInfo) ContentType(context.Context) (string, error) { return "application/octet-stream", nil }
