package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"time"

	"github.com/go-chi/chi/v5"
)

// The page as `make ui` builds it of the sources in ui/src (docs/adr/0013).
//
//go:embed ui/dist
var ui embed.FS

const uiRoot = "ui/dist"

// pageRoutes serves the page's files, each under its own path.
func pageRoutes(r chi.Router) error {
	return fs.WalkDir(ui, uiRoot, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := ui.ReadFile(name)
		if err != nil {
			return fmt.Errorf("read page: %w", err)
		}
		route := name[len(uiRoot):]
		if route == "/index.html" {
			route = "/"
		}
		r.Get(route, fileHandler(name, content))
		return nil
	})
}

// fileHandler serves a file that browsers ask again for each time, but load
// only when it has changed.
func fileHandler(name string, content []byte) http.HandlerFunc {
	kind := mimeType(name)
	// Weak, since the file also goes out compressed.
	etag := fmt.Sprintf(`W/"%x"`, sha256.Sum256(content))
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", etag)
		r.Header.Del("Range") // a part of a compressed file is of no use
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}
}

// mimeType does not ask the machine's own tables for what the page needs.
func mimeType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return mime.TypeByExtension(ext)
	}
}
