package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// tagged are the paths whose answers carry an ETag. They are read whole before
// they are sent, which streams of events and recordings must not be.
var tagged = regexp.MustCompile(`^/api/v1/calls(/[^/]+(/transcript|/summary)?)?$`)

// revalidate gives answers an ETag of what they say, and answers 304 to
// whoever has that already (RFC 9110, 13.1.2). The tag is weak, since an
// encoder may still come.
func revalidate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead || !tagged.MatchString(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		held := &heldAnswer{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(held, r)
		if held.status != http.StatusOK {
			w.WriteHeader(held.status)
			_, _ = w.Write(held.body.Bytes())
			return
		}
		h := w.Header()
		if h.Get("ETag") == "" {
			sum := sha256.Sum256(held.body.Bytes())
			h.Set("ETag", `W/"`+hex.EncodeToString(sum[:12])+`"`)
		}
		if hasTag(r.Header.Get("If-None-Match"), h.Get("ETag")) {
			h.Del("Content-Type")
			h.Del("Content-Length")
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(held.body.Bytes())
	})
}

// hasTag compares weakly (RFC 9110, 8.8.3.2).
func hasTag(list, tag string) bool {
	if strings.TrimSpace(list) == "*" {
		return true
	}
	for have := range strings.SplitSeq(list, ",") {
		if strings.TrimPrefix(strings.TrimSpace(have), "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// heldAnswer keeps an answer back.
type heldAnswer struct {
	http.ResponseWriter

	status int
	body   bytes.Buffer
}

func (a *heldAnswer) WriteHeader(status int) { a.status = status }

func (a *heldAnswer) Write(p []byte) (int, error) { return a.body.Write(p) }

// notModified describes the answer to If-None-Match.
func notModified() map[string]*huma.Response {
	return map[string]*huma.Response{"304": {Description: "As it was: If-None-Match has its ETag."}}
}
