package web

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
)

const (
	audioType = "audio/wav"
	opusType  = "audio/ogg" // RFC 7845 9
)

// audioInput says which form of the recording is asked for.
type audioInput struct {
	CallInput
	Channel  string `query:"channel" pattern:"^[0-9]{1,3}$" doc:"Only this channel of the WAV file, counted from 0."`
	Mix      string `query:"mix" enum:"mono" doc:"mono: all channels in one. Where their sum is too loud it is attenuated."`
	Format   string `query:"format" enum:"wav,opus" doc:"opus: the Ogg/Opus file, where one is made (recordings.opus); it has all channels."`
	Download string `query:"download" enum:"0,1" doc:"1: for saving, not for playing."`
}

func (s *Server) mediaRoutes(api huma.API) {
	answers := rawResponse("The whole recording", audioType, opusType)
	part := rawResponse("A part of it", audioType, opusType)["200"]
	answers["206"] = part
	for _, a := range answers {
		for _, content := range a.Content {
			content.Schema.Format = "binary"
		}
	}
	register(s, api, huma.Operation{
		OperationID: "getAudio", Method: http.MethodGet, Path: "/api/v1/calls/{id}/audio", Tags: []string{"calls"},
		Summary: "The recording",
		Description: "A WAV file with one channel per stream, or with one of them, or with all mixed. It answers byte ranges. " +
			"Until it is rendered, moments after the end of the call, the answer is 409 with a Retry-After. " +
			"Repr-Digest (RFC 9530) is the SHA-256 of the file as it was rendered.",
		Responses: answers,
		Errors: []int{
			http.StatusNotFound, http.StatusConflict, http.StatusRequestedRangeNotSatisfiable, http.StatusUnprocessableEntity,
		},
	}, s.getAudio)
	s.waveformRoute(api)
}

func (s *Server) getAudio(ctx context.Context, in *audioInput) (*huma.StreamResponse, error) {
	if in.Channel != "" && in.Mix != "" {
		return nil, huma.Error422UnprocessableEntity("either a channel or a mix can be asked for")
	}
	if in.Format == "opus" && in.Channel+in.Mix != "" {
		return nil, huma.Error422UnprocessableEntity("the Ogg/Opus file comes with all its channels")
	}
	call, err := s.recorded(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	find := s.deps.Audio.Path
	if in.Format == "opus" {
		if call.Recording == nil || call.Recording.Opus == nil {
			return nil, huma.Error404NotFound("the recording has no Ogg/Opus file")
		}
		find = s.deps.Audio.OpusPath
	}
	path, err := find(call.ID)
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
	out, err := s.form(f, info, call, in)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return raw(func(w http.ResponseWriter, r *http.Request) {
		defer func() { _ = f.Close() }()
		out.serve(w, r, info.ModTime())
	}), nil
}

// recorded returns a call whose recording is ready.
func (s *Server) recorded(ctx context.Context, id earshot.CallID) (earshot.Call, error) {
	call, err := s.deps.Reader.Call(ctx, id)
	if err != nil {
		return call, err
	}
	if !call.RecordingReady {
		return call, errNotReady
	}
	return call, nil
}

// sound is a form of a recording on its way out.
type sound struct {
	content     io.ReadSeeker
	contentType string
	disposition string
	etag        string
	digest      string // SHA-256 in hexadecimal, "" if it is not known
}

// form makes what is asked for of the WAV file.
func (s *Server) form(f *os.File, info fs.FileInfo, call earshot.Call, in *audioInput) (sound, error) {
	out := sound{content: f, contentType: audioType, etag: fmt.Sprintf("%x-%x", info.Size(), info.ModTime().UnixNano())}
	if sum := checksum(call.Recording, in.Format, info.Size()); sum != "" {
		out.etag, out.digest = sum, sum
	}
	suffix, ending := "", ".wav"
	if in.Format == "opus" {
		out.contentType, ending = opusType, ".opus"
	}
	switch {
	case in.Channel != "":
		suffix = "-channel" + in.Channel
	case in.Mix != "":
		suffix = "-mono"
	}
	if suffix != "" {
		view, err := s.deps.Audio.View(f, info.Size(), in.Channel)
		if errors.Is(err, earshot.ErrNotFound) {
			return out, huma.Error404NotFound("the recording has no such channel")
		}
		if err != nil {
			return out, fmt.Errorf("view recording: %w", err)
		}
		out.content, out.digest = view, ""
	}
	kind := "inline"
	if in.Download == "1" {
		kind = "attachment"
	}
	out.etag = `"` + out.etag + suffix + `"`
	out.disposition = kind + `; filename="` + string(call.ID) + suffix + ending + `"`
	return out, nil
}

// checksum returns the one of the file that is served, "" if the file is not
// as it was made.
func checksum(rec *earshot.Recording, format string, size int64) string {
	switch {
	case rec == nil:
	case format == "opus" && rec.Opus != nil && rec.Opus.Bytes == size:
		return rec.Opus.SHA256
	case format != "opus" && rec.Bytes == size:
		return rec.SHA256
	}
	return ""
}

func (o sound) serve(w http.ResponseWriter, r *http.Request, modified time.Time) {
	h := w.Header()
	h.Set("Content-Type", o.contentType)
	h.Set("Content-Disposition", o.disposition)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", o.etag)
	if sum, err := hex.DecodeString(o.digest); err == nil && len(sum) > 0 {
		h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum)+":") // RFC 9530 3
	}
	http.ServeContent(&patientWriter{ResponseWriter: w, rc: http.NewResponseController(w)}, r, "", modified, o.content)
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
	w.Header().Del("Repr-Digest")
	writeProblem(w.ResponseWriter, status, "the range asked for is not in the recording")
}

func (w *patientWriter) Write(p []byte) (int, error) {
	if w.failed {
		return len(p), nil
	}
	_ = w.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	return w.ResponseWriter.Write(p)
}
