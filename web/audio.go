package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
)

const audioType = "audio/wav"

func (s *Server) mediaRoutes(api huma.API) {
	answers := rawResponse("The whole recording", audioType)
	part := rawResponse("A part of it", audioType)["200"]
	answers["206"] = part
	for _, a := range answers {
		a.Content[audioType].Schema.Format = "binary"
	}
	register(s, api, huma.Operation{
		OperationID: "getAudio", Method: http.MethodGet, Path: "/api/v1/calls/{id}/audio", Tags: []string{"calls"},
		Summary:     "The recording",
		Description: "A WAV file with one channel per stream. It answers byte ranges. Until it is rendered, moments after the end of the call, the answer is 409 with a Retry-After.",
		Responses:   answers,
		Errors:      []int{http.StatusNotFound, http.StatusConflict, http.StatusRequestedRangeNotSatisfiable},
	}, s.getAudio)
}

func (s *Server) getAudio(ctx context.Context, in *CallInput) (*huma.StreamResponse, error) {
	call, err := s.deps.Reader.Call(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if !call.RecordingReady {
		return nil, errNotReady
	}
	path, err := s.deps.Audio.Path(call.ID)
	if err != nil && !errors.Is(err, earshot.ErrNotFound) {
		return nil, fmt.Errorf("find recording: %w", err)
	}
	f, info, err := openFile(path) // an unknown path is "", which no file has
	if errors.Is(err, fs.ErrNotExist) {
		return nil, huma.Error404NotFound("the recording is not there any more")
	}
	if err != nil {
		return nil, fmt.Errorf("open recording: %w", err)
	}
	return raw(func(w http.ResponseWriter, r *http.Request) {
		defer func() { _ = f.Close() }()
		h := w.Header()
		h.Set("Content-Type", audioType)
		h.Set("Content-Disposition", `inline; filename="`+string(call.ID)+`.wav"`)
		h.Set("Cache-Control", "private, no-cache")
		h.Set("ETag", fmt.Sprintf(`"%x-%x"`, info.Size(), info.ModTime().UnixNano()))
		http.ServeContent(&patientWriter{ResponseWriter: w, rc: http.NewResponseController(w)}, r, "", info.ModTime(), f)
	}), nil
}

func openFile(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// patientWriter bounds each write, not the whole answer, and turns the plain
// errors of the standard library into problem documents.
type patientWriter struct {
	http.ResponseWriter
	rc     *http.ResponseController
	failed bool
}

func (w *patientWriter) WriteHeader(status int) {
	if status < http.StatusBadRequest {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.failed = true
	writeProblem(w.ResponseWriter, status, "the range asked for is not in the recording")
}

func (w *patientWriter) Write(p []byte) (int, error) {
	if w.failed {
		return len(p), nil
	}
	_ = w.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	return w.ResponseWriter.Write(p)
}
