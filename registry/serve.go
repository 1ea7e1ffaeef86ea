package registry

import (
	"mime"
	"net"
	"net/http"
	"os"
	"path"
	"strings"
)

// served are the types of files of a tree; all others are saved by a browser, and none is guessed.
var served = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".json": "application/json", ".atom": "application/atom+xml",
	".xml": "application/xml", ".svg": "image/svg+xml", ".png": "image/png",
	".md": "text/plain; charset=utf-8", ".yaml": "text/plain; charset=utf-8",
	".sum": "text/plain; charset=utf-8", ".sig": "text/plain; charset=utf-8",
}

// Handler serves a tree as a web server does, to look at it on the machine that makes it. Every answer is read from disk anew. It
// answers only to names of this machine: a page elsewhere whose name leads here learns nothing.
func Handler(tree string) http.Handler {
	root := http.Dir(tree)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this registry is served to this machine alone", http.StatusForbidden)
			return
		}
		name := path.Clean("/" + r.URL.Path)
		if strings.HasSuffix(r.URL.Path, "/") {
			name = path.Join(name, "index.html")
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "it only serves files", http.StatusMethodNotAllowed)
			return
		}
		if strings.Contains(name, "/.") { // in the making
			http.NotFound(w, r)
			return
		}
		file, err := root.Open(name)
		var info os.FileInfo
		if err == nil {
			defer file.Close()
			info, err = file.Stat()
		}
		if err != nil || !info.Mode().IsRegular() {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		kind, known := served[path.Ext(name)]
		if !known {
			kind = "application/octet-stream"
			h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": path.Base(name)}))
		}
		h.Set("Content-Type", kind)
		if path.Ext(name) == ".svg" {
			h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
		}
		http.ServeContent(w, r, "", info.ModTime(), file)
	})
}
