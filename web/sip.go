package web

import (
	"context"
	"io"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
	"earshot/web/export"
)

const captureType = "application/vnd.tcpdump.pcap"

// Traces knows what went over the wire. It is safe for concurrent use.
type Traces interface {
	// SIPMessages are those of a call in order, live ones too; none for an
	// unknown call.
	SIPMessages(ctx context.Context, id earshot.CallID) ([]earshot.SIPMessage, error)
	// Refused are the INVITEs that began no call, the newest first.
	Refused() []earshot.RefusedSIP
	// Capture writes a pcap file of the call's SIP messages and, with media,
	// its RTP packets.
	Capture(ctx context.Context, w io.Writer, call earshot.Call, media bool) error
}

// noTraces stands in where nothing is traced.
type noTraces struct{}

func (noTraces) SIPMessages(context.Context, earshot.CallID) ([]earshot.SIPMessage, error) {
	return nil, nil
}
func (noTraces) Refused() []earshot.RefusedSIP { return nil }
func (noTraces) Capture(context.Context, io.Writer, earshot.Call, bool) error {
	return earshot.ErrNotFound
}

func (s *Server) sipRoutes(api huma.API) {
	tags := []string{"signalling"}
	register(s, api, huma.Operation{
		OperationID: "listSIPMessages", Method: http.MethodGet, Path: "/api/v1/calls/{id}/sip", Tags: tags,
		Summary: "SIP messages of a call",
		Description: "In the order they came and went, without credentials and media keys; numbers, names and metadata " +
			"are left out unless sip.trace is full. With format=text it is a ladder diagram.",
		Errors: []int{http.StatusNotFound}, Responses: ladderResponses(api.OpenAPI().Components.Schemas),
	}, s.listSIPMessages)
	register(s, api, huma.Operation{
		OperationID: "listRefusedSIP", Method: http.MethodGet, Path: "/api/v1/sip/refused", Tags: tags,
		Summary:     "INVITEs that began no call",
		Description: "The newest 200 since the server started, the newest first, and messages that are not SIP.",
	}, s.listRefusedSIP)
	answer := rawResponse("The capture", captureType)
	answer["200"].Content[captureType].Schema.Format = "binary"
	register(s, api, huma.Operation{
		OperationID: "getCapture", Method: http.MethodGet, Path: "/api/v1/calls/{id}/capture", Tags: tags,
		Summary: "Packet capture of a call",
		Description: "A pcap file for Wireshark, made from what is stored: the SIP messages as the ladder has them and the " +
			"recorded RTP packets with their times of arrival.",
		Errors: []int{http.StatusNotFound}, Responses: answer,
	}, s.getCapture)
}

func ladderResponses(registry huma.Registry) map[string]*huma.Response {
	r := rawResponse("The messages", "text/plain")
	r["200"].Content["application/json"] = &huma.MediaType{
		Schema: huma.SchemaFromType(registry, reflect.TypeFor[page[earshot.SIPMessage]]()),
	}
	return r
}

type ladderInput struct {
	CallInput
	Format string `query:"format" enum:"text" doc:"A ladder diagram as plain text; a list without it."`
}

func (s *Server) listSIPMessages(ctx context.Context, in *ladderInput) (*huma.StreamResponse, error) {
	call, err := s.deps.Reader.Call(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	list, err := s.deps.Traces.SIPMessages(ctx, call.ID)
	if err != nil {
		return nil, err
	}
	if in.Format == "" {
		return writeJSON(pageOf(list, "").Body), nil
	}
	var out strings.Builder
	if err := export.Ladder(&out, call.ID, list); err != nil {
		return nil, err
	}
	return raw(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, out.String())
	}), nil
}

func (s *Server) listRefusedSIP(context.Context, *struct{}) (*jsonBody[page[earshot.RefusedSIP]], error) {
	return pageOf(s.deps.Traces.Refused(), ""), nil
}

type captureInput struct {
	CallInput
	Media bool `query:"media" default:"true" doc:"false leaves the RTP packets out."`
}

// getCapture streams: the length is not known before the end, and an error in
// mid-stream ends the connection, so that no client takes a part for the whole.
func (s *Server) getCapture(ctx context.Context, in *captureInput) (*huma.StreamResponse, error) {
	call, err := s.deps.Reader.Call(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return raw(func(w http.ResponseWriter, r *http.Request) {
		out := &captureWriter{patientWriter: patientWriter{ResponseWriter: w, rc: http.NewResponseController(w)}, name: string(call.ID)}
		err := s.deps.Traces.Capture(r.Context(), out, s.live(call), in.Media)
		if err == nil {
			return
		}
		if out.began {
			s.log.WarnContext(ctx, "capture not finished", "call_id", call.ID, "error", err)
			panic(http.ErrAbortHandler)
		}
		s.log.ErrorContext(ctx, "capture not made", "call_id", call.ID, "error", err)
		writeProblem(w, http.StatusInternalServerError, internalDetail(requestID(ctx)))
	}), nil
}

// captureWriter sends the headers with the first octets.
type captureWriter struct {
	patientWriter
	name  string
	began bool
}

func (w *captureWriter) Write(p []byte) (int, error) {
	if !w.began {
		w.began = true
		h := w.Header()
		h.Set("Content-Type", captureType)
		h.Set("Content-Disposition", `attachment; filename="`+w.name+`.pcap"`)
		h.Set("Cache-Control", "private, no-cache")
	}
	_ = w.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	return w.ResponseWriter.Write(p)
}
