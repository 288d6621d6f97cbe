package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"earshot"
)

// contentPolicy lets the page load its own files and nothing else, and run no
// inline script. What may frame it comes last, for more to be added.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"media-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"

type (
	requestKey struct{}
	remoteKey  struct{}
)

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// observe names the request, counts it and logs it without its query, which
// may hold what somebody said.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, began := earshot.NewID(), time.Now()
		w.Header().Set("X-Request-Id", id)
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		ctx := context.WithValue(r.Context(), requestKey{}, id)
		r = r.WithContext(context.WithValue(ctx, remoteKey{}, s.proxies.client(r)))
		defer func() {
			route := "unmatched"
			if rc := chi.RouteContext(r.Context()); rc != nil && rc.RoutePattern() != "" {
				route = rc.RoutePattern()
			}
			took := time.Since(began)
			s.metrics.observe(route, ww.Status(), ww.Header(), took)
			s.log.Debug("request", "request_id", id, "method", r.Method, "route", route,
				"status", ww.Status(), "took_ms", took.Milliseconds())
		}()
		s.recoverer(next, ww, r)
	})
}

// recoverer answers a panic with a problem document. If the answer has begun,
// the connection is cut, so that nobody takes it for whole.
func (s *Server) recoverer(next http.Handler, w middleware.WrapResponseWriter, r *http.Request) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(http.ErrAbortHandler)
		}
		if r.Context().Err() != nil { // writing to a client that is gone
			s.log.Debug("request broken off", "path", r.URL.Path, "panic", fmt.Sprint(cause))
			panic(http.ErrAbortHandler)
		}
		s.metrics.panics.Inc()
		id := requestID(r.Context())
		s.log.Error("request panicked", "request_id", id, "path", r.URL.Path,
			"panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
		if w.Status() != 0 {
			panic(http.ErrAbortHandler)
		}
		writeProblem(w, http.StatusInternalServerError, internalDetail(id))
	}()
	next.ServeHTTP(w, r)
}

// protect sets the headers that keep browsers from doing what they must not,
// and the limits of every request.
func (s *Server) protect(next http.Handler) http.Handler {
	policy := strings.Join(append([]string{contentPolicy}, s.cfg.FrameAncestors...), " ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
		// A writer without deadlines is a test's.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
		next.ServeHTTP(w, r)
	})
}

// ownHost refuses a Host that is not ours: a foreign name that was made to
// point at this machine (DNS rebinding). Clients other than browsers may send
// none.
func (s *Server) ownHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostOnly(r.Host)
		if host == "" || isLoopbackHost(host) || s.isAddress(host) || (s.public != nil && strings.EqualFold(host, s.public.Hostname())) {
			next.ServeHTTP(w, r)
			return
		}
		writeProblem(w, http.StatusMisdirectedRequest,
			"this server does not go by that name; http.public_url sets the name it has outside")
	})
}

// sameSite refuses unsafe requests that another site's page sends.
func (s *Server) sameSite() (func(http.Handler) http.Handler, error) {
	guard := http.NewCrossOriginProtection()
	if s.public != nil {
		if err := guard.AddTrustedOrigin(s.public.Scheme + "://" + s.public.Host); err != nil {
			return nil, fmt.Errorf("http.public_url: %w", err)
		}
	}
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, http.StatusForbidden, "requests from other sites are refused")
	}))
	return guard.Handler, nil
}

// isAddress reports whether a host is an address under which a server that
// listens to other machines may be reached. No foreign name is one.
func (s *Server) isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil && !isLoopbackHost(hostOnly(s.cfg.Listen))
}

func notFound(w http.ResponseWriter, _ *http.Request) {
	writeProblem(w, http.StatusNotFound, "there is nothing at this path; /openapi.json lists what there is")
}

// methodNotAllowed names the methods there are (RFC 9110 15.5.6).
func methodNotAllowed(routes chi.Routes) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
			if routes.Match(chi.NewRouteContext(), m, r.URL.Path) {
				allowed = append(allowed, m)
				if m == http.MethodGet {
					allowed = append(allowed, http.MethodHead)
				}
			}
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		writeProblem(w, http.StatusMethodNotAllowed, "the methods of this path are "+w.Header().Get("Allow"))
	}
}
