// Package serve shows an archive in a browser, and as a drive by WebDAV. It only reads.
//
// What is in an archive is a stranger's, so that it must not run in the browser of whoever looks at it, nor must another page
// there reach it: pages have no script and say so in their policy, contents come with a type out of a short list and in a
// sandbox, the first element of every path is a token that only the printed address has, and requests for another host than
// this one, such as those that a name pointed here by DNS makes, are refused.
package serve

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/PlakarKorp/kloset/snapshot/vfs"
	"golang.org/x/net/webdav"

	"github.com/PlakarKorp/kpkg/internal/web"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// Options say what is served.
type Options struct {
	Archive *ptarread.Archive
	// Name is what the archive is called.
	Name string
	// Token is the first element of all paths.
	Token string
	// Host is a name that requests may be for beside localhost and IP addresses, "" for none.
	Host string
	// TempDir is a folder for what viewers need on disk.
	TempDir string
}

// Server answers requests about one archive.
type Server struct {
	opts Options
	mux  *http.ServeMux
	dav  *webdav.Handler
}

// New makes a server.
func New(opts Options) *Server {
	s := &Server{opts: opts, mux: http.NewServeMux()}
	s.mux.HandleFunc("GET /{$}", s.snapshots)
	s.mux.HandleFunc("GET /style.css", s.style)
	s.mux.HandleFunc("GET /tree/{id}/{path...}", s.tree)
	s.mux.HandleFunc("GET /raw/{id}/{path...}", s.raw)
	s.mux.HandleFunc("GET /zip/{id}/{path...}", s.zip)
	s.mux.HandleFunc("GET /search/{id}", s.search)
	s.mux.HandleFunc("GET /diff/{old}/{new}", s.compare)
	s.dav = &webdav.Handler{Prefix: s.base() + "dav", FileSystem: &davFS{s}, LockSystem: webdav.NewMemLS()}
	return s
}

func (s *Server) base() string { return "/" + s.opts.Token + "/" }

// policy lets nothing run and nothing be fetched from elsewhere.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ServeHTTP answers a request, or refuses it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if !s.allowedHost(r.Host) {
		http.Error(w, "this address is not served", http.StatusMisdirectedRequest)
		return
	}
	token, rest, found := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if subtle.ConstantTimeCompare([]byte(token), []byte(s.opts.Token)) != 1 {
		http.Error(w, "there is nothing here; open the address that kpkg serve printed", http.StatusNotFound)
		return
	}
	if !found {
		http.Redirect(w, r, s.base(), http.StatusFound)
		return
	}
	if rest == "dav" || strings.HasPrefix(rest, "dav/") {
		s.serveDAV(w, r)
		return
	}
	inner := *r.URL
	inner.Path, inner.RawPath = "/"+rest, ""
	request := r.Clone(r.Context())
	request.URL = &inner
	if clean := path.Clean(inner.Path); clean != inner.Path && clean+"/" != inner.Path {
		http.Error(w, "there is nothing here", http.StatusNotFound)
		return
	}
	s.mux.ServeHTTP(w, request)
}

// allowedHost refuses names that may have been pointed here to reach this server from another's page; an address cannot be.
func (s *Server) allowedHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	return net.ParseIP(name) != nil || strings.EqualFold(name, "localhost") || s.opts.Host != "" && strings.EqualFold(name, s.opts.Host)
}

func (s *Server) style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Write(web.Style())
}

// page is what all pages have.
func (s *Server) page(title string) web.Page {
	return web.Page{Title: title, File: s.opts.Name, Home: s.base(), Base: s.base()}
}

func (s *Server) render(w http.ResponseWriter, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// What has been sent cannot be taken back: a template that fails ends the page where it is.
	_ = web.Templates().ExecuteTemplate(w, name, data)
}

func (s *Server) fail(w http.ResponseWriter, status int, err error) { s.failIn(w, status, "", err) }

// failIn is fail for something in the snapshot id, from which there is a way on.
func (s *Server) failIn(w http.ResponseWriter, status int, id string, err error) {
	page := s.page("It cannot be shown")
	if id != "" {
		page.Crumbs, page.Search = []web.Crumb{{Name: "top", URL: s.link("tree", id, ".")}}, s.searchIn(id)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	s.render(w, "failure", web.Failure{Page: page, Message: err.Error()})
}

// searchIn is where names in a snapshot are searched.
func (s *Server) searchIn(id string) string { return s.base() + "search/" + url.PathEscape(id) }

// snapshot opens the one of a request.
func (s *Server) snapshot(w http.ResponseWriter, r *http.Request, id string) (*ptarread.Snapshot, bool) {
	snapshot, err := s.opts.Archive.Snapshot(r.Context(), id)
	if err != nil {
		s.fail(w, http.StatusNotFound, err)
		return nil, false
	}
	return snapshot, true
}

// location is an entry that a request names, below what the snapshot's source began at.
type location struct {
	snapshot *ptarread.Snapshot
	id       string
	below    string // "." for the root
	entry    *vfs.Entry
}

// at is the path of an entry in the snapshot.
func at(snapshot *ptarread.Snapshot, below string) string {
	return path.Join(snapshot.Source().Root, below)
}

func (s *Server) locate(w http.ResponseWriter, r *http.Request) (*location, bool) {
	id := r.PathValue("id")
	snapshot, ok := s.snapshot(w, r, id)
	if !ok {
		return nil, false
	}
	below := path.Clean("/" + r.PathValue("path"))[1:]
	if below == "" {
		below = "."
	}
	entry, err := snapshot.Entry(r.Context(), at(snapshot, below))
	if err != nil {
		if errors.Is(err, ptarread.ErrNoEntry) {
			err = errors.New("it is not in the archive")
		}
		s.failIn(w, http.StatusNotFound, id, fmt.Errorf("%s: %w", below, err))
		return nil, false
	}
	return &location{snapshot, id, below, entry}, true
}

// link is the address of an entry in a view: tree, raw or zip.
func (s *Server) link(view, id, below string) string {
	address := s.base() + view + "/" + url.PathEscape(id) + "/"
	if below == "." {
		return address
	}
	elements := strings.Split(below, "/")
	for i := range elements {
		elements[i] = url.PathEscape(elements[i])
	}
	return address + strings.Join(elements, "/")
}

// crumbs are the folders that an entry is in, the outermost first.
func (s *Server) crumbs(id, below string) []web.Crumb {
	if below == "." {
		return nil
	}
	crumbs := []web.Crumb{{Name: "top", URL: s.link("tree", id, ".")}}
	elements := strings.Split(below, "/")
	for i, e := range elements[:len(elements)-1] {
		crumbs = append(crumbs, web.Crumb{Name: e, URL: s.link("tree", id, strings.Join(elements[:i+1], "/"))})
	}
	return crumbs
}

// latestFirst are the snapshots, the youngest first.
func (s *Server) latestFirst() []ptarread.SnapshotInfo {
	all := slices.Clone(s.opts.Archive.Snapshots())
	slices.Reverse(all)
	return all
}

var errEnough = errors.New("enough")
