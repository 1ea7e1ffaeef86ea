package serve

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/PlakarKorp/kloset/snapshot/vfs"
	"github.com/dustin/go-humanize"

	"github.com/PlakarKorp/kpkg/diff"
	"github.com/PlakarKorp/kpkg/internal/web"
	"github.com/PlakarKorp/kpkg/ptarread"
)

const (
	// shownEntries is how many entries a page has.
	shownEntries = 500
	// searchTime is how long a search or a comparison may take.
	searchTime = 20 * time.Second
	// maxQuery is how long a query is, in bytes.
	maxQuery = 4000
)

func (s *Server) snapshots(w http.ResponseWriter, r *http.Request) {
	all := s.latestFirst()
	if len(all) == 1 {
		http.Redirect(w, r, s.link("tree", all[0].ID[:16], "."), http.StatusFound)
		return
	}
	page := web.Snapshots{Page: s.page("Snapshots")}
	for i, info := range all {
		totals := info.Totals()
		link := web.SnapshotLink{
			ID: info.ID[:16], Name: info.Name, Time: info.Time.UTC(), URL: s.link("tree", info.ID[:16], "."),
			Files: totals.Files, Errors: totals.Errors, Size: humanize.IBytes(totals.Bytes),
		}
		if len(info.Sources) > 0 {
			link.Root, link.Origin = info.Sources[0].Root, info.Sources[0].Origin
		}
		if i+1 < len(all) {
			link.Compare = s.base() + "diff/" + all[i+1].ID[:16] + "/" + info.ID[:16]
		}
		page.Snapshots = append(page.Snapshots, link)
	}
	s.render(w, "snapshots", page)
}

func (s *Server) tree(w http.ResponseWriter, r *http.Request) {
	l, ok := s.locate(w, r)
	if !ok {
		return
	}
	title := path.Base(l.below)
	if l.below == "." {
		title = l.snapshot.Source().Root
	}
	page := s.page(title)
	page.Crumbs = s.crumbs(l.id, l.below)
	page.Search = s.searchIn(l.id)
	if !l.entry.IsDir() {
		s.file(w, r, l, page)
		return
	}
	folder := web.Folder{Page: page, Zip: s.link("zip", l.id, l.below), DAV: "http://" + r.Host + s.base() + "dav/"}
	err := l.snapshot.Folder(r.Context(), at(l.snapshot, l.below), r.URL.Query().Get("after"), func(name string, e *vfs.Entry) error {
		if len(folder.Entries) == shownEntries {
			folder.More = "?after=" + url.QueryEscape(folder.Entries[shownEntries-1].Name)
			return errEnough
		}
		folder.Entries = append(folder.Entries, s.entry(l.id, path.Join(l.below, path.Base(name)), path.Base(name), e))
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		folder.Note = err.Error()
	}
	s.render(w, "folder", folder)
}

// entry is a line of a listing.
func (s *Server) entry(id, below, name string, e *vfs.Entry) web.Entry {
	mode := e.FileInfo.Mode()
	line := web.Entry{
		Name: name, Mode: mode.String(), Time: e.FileInfo.ModTime().UTC(), Target: e.SymlinkTarget, Folder: mode.IsDir(),
	}
	if mode.IsDir() || mode.IsRegular() {
		line.URL = s.link("tree", id, below)
	}
	if mode.IsRegular() {
		line.Size = humanize.IBytes(uint64(max(e.FileInfo.Size(), 0)))
	}
	return line
}

func (s *Server) content(ctx context.Context, l *location) (web.Content, error) {
	if !l.entry.FileInfo.Mode().IsRegular() {
		return web.Content{}, errors.New("it is no file")
	}
	section, err := l.snapshot.OpenContent(ctx, l.entry.Object)
	return web.Content{Name: path.Base(l.below), SectionReader: section, TempDir: s.opts.TempDir}, err
}

func (s *Server) file(w http.ResponseWriter, r *http.Request, l *location, page web.Page) {
	content, err := s.content(r.Context(), l)
	if err != nil {
		s.fail(w, http.StatusNotFound, err)
		return
	}
	if content.SQL = r.URL.Query().Get("sql"); len(content.SQL) > maxQuery {
		s.fail(w, http.StatusBadRequest, fmt.Errorf("the query is longer than %d bytes", maxQuery))
		return
	}
	s.render(w, "file", web.File{
		Page: page, View: web.Show(r.Context(), content), Raw: s.link("raw", l.id, l.below), Action: s.link("tree", l.id, l.below),
		Size: humanize.IBytes(uint64(content.Size())), Mode: l.entry.FileInfo.Mode().String(), Time: l.entry.FileInfo.ModTime().UTC(),
	})
}

// raw gives the bytes of a file, to be saved. An image has its type, by which an <img> shows it; opened by its address it is saved
// too, and could run nothing if it were not.
func (s *Server) raw(w http.ResponseWriter, r *http.Request) {
	l, ok := s.locate(w, r)
	if !ok {
		return
	}
	content, err := s.content(r.Context(), l)
	if err != nil {
		s.fail(w, http.StatusNotFound, err)
		return
	}
	name, kind := content.Name, web.ImageType(content.Name)
	if kind == "" {
		kind = "application/octet-stream"
	}
	body := io.ReadSeeker(content.SectionReader)
	if part := r.URL.Query().Get("part"); part != "" {
		number, err := strconv.Atoi(part)
		var data []byte
		if err == nil {
			name, data, err = web.MailPart(content, number)
		}
		if err != nil {
			s.fail(w, http.StatusNotFound, err)
			return
		}
		kind, body = "application/octet-stream", strings.NewReader(string(data))
	}
	attachment(w, name, kind)
	http.ServeContent(w, r, "", l.entry.FileInfo.ModTime(), body)
}

// attachment makes an answer something to be saved.
func attachment(w http.ResponseWriter, name, kind string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": strings.ToValidUTF8(name, "_")})
	if disposition == "" {
		disposition = "attachment"
	}
	h.Set("Content-Disposition", disposition)
}

// zip gives a folder, without links and devices, which unpackers treat as they like.
func (s *Server) zip(w http.ResponseWriter, r *http.Request) {
	l, ok := s.locate(w, r)
	if !ok {
		return
	}
	name := path.Base(at(l.snapshot, l.below))
	if name == "/" {
		name = "archive"
	}
	attachment(w, name+".zip", "application/zip")
	out := zip.NewWriter(w)
	top := at(l.snapshot, l.below)
	err := l.snapshot.Walk(r.Context(), top, func(name string, e *vfs.Entry, err error) error {
		if err != nil {
			return err
		}
		below := strings.TrimPrefix(strings.TrimPrefix(name, strings.TrimSuffix(top, "/")), "/")
		mode := e.FileInfo.Mode()
		if below == "" && mode.IsRegular() {
			below = path.Base(name)
		}
		if !fs.ValidPath(below) || strings.Contains(below, "\\") || !mode.IsDir() && !mode.IsRegular() {
			return nil
		}
		header := &zip.FileHeader{Name: below, Method: zip.Deflate, Modified: e.FileInfo.ModTime()}
		header.SetMode(mode & (fs.ModeDir | 0o777))
		if mode.IsDir() {
			header.Name, header.Method = below+"/", zip.Store
		}
		file, err := out.CreateHeader(header)
		if err != nil || mode.IsDir() {
			return err
		}
		content, err := l.snapshot.Content(r.Context(), e.Object)
		if err != nil {
			return err
		}
		_, err = io.Copy(file, content)
		return err
	})
	if err != nil {
		// The answer has begun: only a connection that breaks tells that it is not whole.
		panic(http.ErrAbortHandler)
	}
	out.Close()
}

func (s *Server) search(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	snapshot, ok := s.snapshot(w, r, id)
	if !ok {
		return
	}
	asked := r.URL.Query().Get("q")
	asked = asked[:min(len(asked), 200)]
	page := s.page("Names with “" + asked + "”")
	page.Crumbs, page.Search, page.Query = []web.Crumb{{Name: "top", URL: s.link("tree", id, ".")}}, s.searchIn(id), asked
	found := web.Folder{Page: page, Searching: true}
	ctx, cancel := context.WithTimeout(r.Context(), searchTime)
	defer cancel()
	root := snapshot.Source().Root
	err := snapshot.Walk(ctx, root, func(name string, e *vfs.Entry, err error) error {
		if err != nil || asked == "" || !strings.Contains(strings.ToLower(path.Base(name)), strings.ToLower(asked)) {
			return nil
		}
		if len(found.Entries) == shownEntries {
			return errEnough
		}
		below := strings.TrimPrefix(strings.TrimPrefix(name, strings.TrimSuffix(root, "/")), "/")
		if below == "" {
			below = "."
		}
		found.Entries = append(found.Entries, s.entry(id, below, below, e))
		return nil
	})
	switch {
	case errors.Is(err, errEnough):
		found.Note = fmt.Sprintf("The first %d are shown.", shownEntries)
	case ctx.Err() != nil:
		found.Note = fmt.Sprintf("The search took more than %v: there may be more.", searchTime)
	case err != nil:
		found.Note = err.Error()
	}
	s.render(w, "folder", found)
}

func (s *Server) compare(w http.ResponseWriter, r *http.Request) {
	before, ok := s.snapshot(w, r, r.PathValue("old"))
	if !ok {
		return
	}
	after, ok := s.snapshot(w, r, r.PathValue("new"))
	if !ok {
		return
	}
	page := web.Comparison{Page: s.page("What differs"), Old: dated(before), New: dated(after)}
	page.Crumbs = []web.Crumb{{Name: "snapshots", URL: s.base()}}
	ctx, cancel := context.WithTimeout(r.Context(), searchTime)
	defer cancel()
	a, b := diff.Snapshot{Snapshot: before, Archive: s.opts.Archive}, diff.Snapshot{Snapshot: after, Archive: s.opts.Archive}
	err := diff.Trees(ctx, a, b, func(d diff.Difference) error {
		if len(page.Changes) == 2*shownEntries {
			return errEnough
		}
		page.Changes = append(page.Changes, web.Change{Kind: d.Kind, Path: d.Path(), What: strings.Join(d.What, "; ")})
		return nil
	})
	switch {
	case errors.Is(err, errEnough):
		page.Note = fmt.Sprintf("The first %d are shown.", 2*shownEntries)
	case ctx.Err() != nil:
		page.Note = fmt.Sprintf("The comparison took more than %v: there may be more. kpkg diff has the time.", searchTime)
	case err != nil:
		page.Note = err.Error()
	}
	s.render(w, "comparison", page)
}

func dated(s *ptarread.Snapshot) string {
	info := s.Info()
	return info.ID[:8] + " of " + info.Time.UTC().Format("2006-01-02 15:04")
}
