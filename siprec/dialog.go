package siprec

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"earshot"
)

// dialogState is what is stored of a dialog (RFC 3261 12.1.1).
type dialogState struct {
	CallID       string                `json:"call_id"`
	LocalTag     string                `json:"local_tag"`
	RemoteTag    string                `json:"remote_tag"`
	LocalURI     string                `json:"local_uri"`  // To of the INVITE, without tag
	RemoteURI    string                `json:"remote_uri"` // From of the INVITE, without tag
	RemoteTarget string                `json:"remote_target"`
	Routes       []string              `json:"routes,omitempty"`
	LocalCSeq    uint32                `json:"local_cseq"`
	RemoteCSeq   uint32                `json:"remote_cseq"`
	Branch       string                `json:"branch"` // of the INVITE that began it
	Transport    string                `json:"transport"`
	Source       string                `json:"source"`
	Host         string                `json:"host"`
	SDPID        uint64                `json:"sdp_id"`
	SDPVersion   uint64                `json:"sdp_version"`
	Offer        []earshot.MediaOffer  `json:"offer"`
	Answer       []earshot.MediaAnswer `json:"answer"`
	Origin       origin                `json:"origin,omitzero"` // of the offer
	Metadata     *earshot.Metadata     `json:"metadata,omitempty"`
	Forked       *earshot.Metadata     `json:"forked,omitempty"` // from the headers of a client without metadata
	Segment      earshot.SegmentID     `json:"segment"`
	Call         earshot.CallID        `json:"call"`
	Timer        sessionTimer          `json:"timer,omitzero"`
	// SIPS says that the client asked for a secure session (RFC 3261 12.1.1).
	SIPS bool `json:"sips,omitempty"`
	// NoUpdate says that the client does not take UPDATE.
	NoUpdate bool `json:"no_update,omitempty"`
	// Client says that the peer is a recording client by its own word, and not
	// something else that sends us media.
	Client bool `json:"client,omitempty"`
	// AskAt is when it is to be asked for a snapshot, AskedAt when it was.
	AskAt   time.Time `json:"ask_at,omitzero"`
	AskedAt time.Time `json:"asked_at,omitzero"`
}

// dialog is one recording session's dialog.
type dialog struct {
	id    string
	begun string // key of the INVITE that began it: Call-ID and the client's tag
	// inviting is set from an INVITE to its final response.
	inviting atomic.Bool

	mu    sync.Mutex // held while a request of the dialog is handled
	state dialogState
	ended bool
	// offered says that our last 2xx to an INVITE carried an offer, which its
	// ACK answers.
	offered bool
	// asking says that a request of ours is under way, offering that it is an
	// INVITE; the next may go out at notBefore.
	asking, offering bool
	notBefore        time.Time

	ackMu sync.Mutex
	acked chan struct{} // closed by the ACK that is waited for
	ackOf uint32        // its CSeq
}

func dialogID(callID, localTag string) string { return callID + ";" + localTag }

// stored returns the dialog as the journal keeps it.
func (d *dialog) stored() (earshot.Dialog, error) {
	raw, err := json.Marshal(d.state)
	if err != nil {
		return earshot.Dialog{}, fmt.Errorf("encode dialog: %w", err)
	}
	return earshot.Dialog{ID: d.id, CallID: d.state.Call, SegmentID: d.state.Segment, State: raw}, nil
}

// Restore takes up stored dialogs. It is called before Start.
func (s *Server) Restore(dialogs []earshot.Dialog) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stored := range dialogs {
		d := &dialog{id: stored.ID}
		if err := json.Unmarshal(stored.State, &d.state); err != nil {
			return fmt.Errorf("restore dialog %s: %w", stored.ID, err)
		}
		d.begun = dialogID(d.state.CallID, d.state.RemoteTag)
		s.dialogs[d.id], s.begun[d.begun] = d, d
		s.trace.bind(d.state.CallID, d.state.Call, d.state.Segment)
	}
	return nil
}

// find returns the dialog of a request within one, nil when there is none.
func (s *Server) find(req *sip.Request) *dialog {
	to, callID := req.To(), req.CallID()
	if to == nil || callID == nil {
		return nil
	}
	tag, ok := to.Params.Get("tag")
	if !ok {
		return nil
	}
	d := s.dialogByID(dialogID(callID.Value(), tag))
	if d == nil || d.begun != dialogID(callID.Value(), remoteTag(req)) {
		return nil
	}
	return d
}

func (s *Server) dialogByID(id string) *dialog {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dialogs[id]
}

func (s *Server) keep(d *dialog) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dialogs[d.id], s.begun[d.begun] = d, d
}

// begunBy returns the dialog that an INVITE without To tag began already.
func (s *Server) begunBy(req *sip.Request) *dialog {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begun[dialogID(req.CallID().Value(), remoteTag(req))]
}

func (s *Server) drop(d *dialog) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.dialogs, d.id)
	if s.begun[d.begun] == d {
		delete(s.begun, d.begun)
	}
}

// Dialogs returns how many dialogs are up.
func (s *Server) Dialogs() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.dialogs)
}

func remoteTag(req *sip.Request) string {
	from := req.From()
	if from == nil {
		return ""
	}
	tag, _ := from.Params.Get("tag")
	return tag
}

func branch(req *sip.Request) string {
	via := req.Via()
	if via == nil {
		return ""
	}
	b, _ := via.Params.Get("branch")
	return b
}

// newDialog makes the state of the dialog that an INVITE begins.
func (s *Server) newDialog(req *sip.Request) *dialog {
	host := s.localHost(req.Source())
	d := &dialog{state: dialogState{
		CallID: req.CallID().Value(), LocalTag: earshot.NewID(), RemoteTag: remoteTag(req),
		LocalURI: "<" + req.To().Address.String() + ">", RemoteURI: "<" + req.From().Address.String() + ">",
		RemoteCSeq: req.CSeq().SeqNo, Branch: branch(req), Transport: req.Transport(), Source: req.Source(), Host: host,
		SDPID: uint64(req.CSeq().SeqNo)<<20 | 1,
	}}
	d.id, d.begun = dialogID(d.state.CallID, d.state.LocalTag), dialogID(d.state.CallID, d.state.RemoteTag)
	for _, h := range req.GetHeaders("Record-Route") {
		d.state.Routes = append(d.state.Routes, splitList(h.Value())...)
	}
	d.retarget(req)
	return d
}

// retarget follows the Contact of a request (RFC 3261 12.2.2), and what it
// says to allow.
func (d *dialog) retarget(req *sip.Request) {
	if req.GetHeader("Allow") != nil {
		d.state.NoUpdate = !listed(req, "Allow", "UPDATE")
	}
	if c := req.Contact(); c != nil {
		d.state.RemoteTarget = c.Address.String()
	}
	d.state.Transport, d.state.Source = req.Transport(), req.Source()
}

// localHost is the local address that faces a peer.
func (s *Server) localHost(peer string) string {
	if host, _, err := net.SplitHostPort(s.cfg.Listen); err == nil {
		if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() {
			return host
		}
	}
	conn, err := new(net.Dialer).DialContext(s.ctx, "udp", peer) // sends nothing
	if err != nil {
		return "127.0.0.1"
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).IP.String()
}

// contact is our Contact in a dialog: where we are, and that we record
// (RFC 7866 6.2).
func (s *Server) contact(d *dialog) string {
	host := d.state.Host
	if s.cfg.Advertise != "" {
		host = s.cfg.Advertise
	}
	addr := hostPort(host, s.Addr().(*net.UDPAddr).Port)
	switch strings.ToLower(d.state.Transport) {
	case "tcp":
		addr += ";transport=tcp"
	case "tls":
		if s.tls == nil { // of a dialog from before the certificate was taken away
			break
		}
		addr = hostPort(host, s.tls.Addr().(*net.TCPAddr).Port) + ";transport=tls"
	}
	if d.state.SIPS {
		return "<sips:earshot@" + addr + ">;+sip.srs"
	}
	return "<sip:earshot@" + addr + ">;+sip.srs"
}

func hostPort(host string, port int) string {
	return net.JoinHostPort(strings.Trim(host, "[]"), fmt.Sprint(port))
}

// mediaHost is the address of our SDP.
func (s *Server) mediaHost(d *dialog) string {
	if s.cfg.RTPAdvertise != "" {
		return s.cfg.RTPAdvertise
	}
	return d.state.Host
}

// parsedAddress makes a From or To of what an earlier one was.
func parsedAddress(name, value string) sip.Header {
	var uri sip.Uri
	params := sip.NewParams()
	display, err := sip.ParseAddressValue(value, &uri, &params)
	if err != nil {
		return sip.NewHeader(name, value)
	}
	if name == "From" {
		return &sip.FromHeader{DisplayName: display, Address: uri, Params: params}
	}
	return &sip.ToHeader{DisplayName: display, Address: uri, Params: params}
}
