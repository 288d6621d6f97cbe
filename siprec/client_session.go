package siprec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"earshot"
)

// CallSpec says what to offer.
type CallSpec struct {
	// To is the recording server: "sip:HOST:PORT".
	To       string
	Media    []ClientMedia
	Metadata earshot.Metadata
	// Dialect is how everything is written; nil is the way of the RFCs.
	Dialect *Dialect
	// LateMetadata keeps the metadata out of the INVITE: an UPDATE is to bring
	// it (RFC 7866 9.1).
	LateMetadata bool
	// SessionExpires asks for a session timer, in seconds (RFC 4028); 0 for
	// none. Refresher is "uac", "uas" or empty, which leaves it to the server.
	SessionExpires int
	Refresher      string
	// Username and Password answer a 401 or 407 (RFC 3261 22).
	Username, Password string
	// Observe is told of each transaction of the session, from any goroutine.
	Observe func(Step)
}

// Step is one transaction of a session.
type Step struct {
	// At is when the request was sent or had come, Took the time to its final
	// answer.
	At   time.Time
	Took time.Duration
	// Received says that the server sent the request.
	Received bool
	Method   string
	// Detail is what the request carried, in words.
	Detail string
	// Status is 0 when there was no answer.
	Status int
	Reason string
}

// ClientSession is a recording session that the server has accepted.
type ClientSession struct {
	client  *Client
	spec    CallSpec
	dialect *Dialect
	invite  *sip.Request
	done    chan struct{}

	mu      sync.Mutex // held over a transaction
	to      sip.Header // with the server's tag
	target  sip.Uri
	cseq    uint32
	version int
	media   []ClientMedia
	known   earshot.Metadata // all that was sent so far, merged
	answer  []earshot.MediaOffer
	refresh *time.Timer
}

// Call offers a session. Its error is a [*StatusError] when the server
// refused.
func (c *Client) Call(ctx context.Context, spec CallSpec) (*ClientSession, error) {
	var to sip.Uri
	if err := sip.ParseUri(spec.To, &to); err != nil {
		return nil, fmt.Errorf("recording server %q: %w", spec.To, err)
	}
	s := &ClientSession{client: c, spec: spec, dialect: spec.Dialect, target: to, version: 1, done: make(chan struct{})}
	if s.dialect == nil {
		s.dialect = rfcDialect()
	}
	s.known = spec.Metadata
	s.invite = sip.NewRequest(sip.INVITE, to)
	from := parsedAddress("From", s.dialect.fromOf(s)+";tag="+earshot.NewID())
	s.to = parsedAddress("To", "<"+spec.To+">")
	callID := sip.CallIDHeader(earshot.NewID() + "@" + c.cfg.Local.String())
	s.invite.AppendHeader(from)
	s.invite.AppendHeader(s.to)
	s.invite.AppendHeader(&callID)
	s.mu.Lock()
	defer s.mu.Unlock()
	md := &s.known
	if spec.LateMetadata {
		md = nil
	}
	if err := s.offer(ctx, spec.Media, md, false); err != nil {
		return nil, err
	}
	return s, nil
}

// Done is closed when either side has ended the session with a BYE.
func (s *ClientSession) Done() <-chan struct{} { return s.done }

// CallID returns the Call-ID of the session.
func (s *ClientSession) CallID() string { return s.invite.CallID().Value() }

// Answer returns the m-lines of the server's last answer: Remote is where it
// receives, port 0 a refusal.
func (s *ClientSession) Answer() []earshot.MediaOffer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answer
}

// Reinvite offers other media, with metadata unless it is nil.
func (s *ClientSession) Reinvite(ctx context.Context, media []ClientMedia, md *earshot.Metadata, partial bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	if md != nil {
		s.learn(*md, partial)
	}
	return s.offer(ctx, media, md, partial)
}

// Update sends metadata without SDP. Clients that have none tell of changes
// with a re-INVITE.
func (s *ClientSession) Update(ctx context.Context, md earshot.Metadata, partial bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.learn(md, partial)
	if partial && s.dialect.document != nil && s.dialect.document.shortIDs && leaves(md) {
		// The drafts have no partial update that takes anybody away.
		md, partial = present(s.known), false
	}
	return s.update(ctx, md, partial)
}

func leaves(md earshot.Metadata) bool {
	return slices.ContainsFunc(md.SessionParticipants, func(a earshot.MetaSessionParticipant) bool { return !a.Disassociate.IsZero() })
}

// present leaves out the participants that have left.
func present(md earshot.Metadata) earshot.Metadata {
	gone := map[string]bool{}
	for _, a := range md.SessionParticipants {
		gone[a.ParticipantID] = !a.Disassociate.IsZero()
	}
	md.Participants = slices.DeleteFunc(slices.Clone(md.Participants), func(p earshot.MetaParticipant) bool { return gone[p.ID] })
	md.SessionParticipants = slices.DeleteFunc(slices.Clone(md.SessionParticipants), func(a earshot.MetaSessionParticipant) bool { return gone[a.ParticipantID] })
	md.ParticipantStreams = slices.DeleteFunc(slices.Clone(md.ParticipantStreams), func(a earshot.MetaParticipantStream) bool { return gone[a.ParticipantID] })
	return md
}

func (s *ClientSession) update(ctx context.Context, md earshot.Metadata, partial bool) error {
	if s.dialect.document == nil || s.dialect.noUpdate {
		s.version++
		return s.offer(ctx, s.media, &md, partial)
	}
	req := s.request(sip.UPDATE)
	for _, line := range s.dialect.body.metadataHead {
		name, value, _ := strings.Cut(line, ":")
		req.AppendHeader(sip.NewHeader(name, strings.TrimSpace(value)))
	}
	req.SetBody([]byte(s.dialect.metadata(md, partial)))
	_, err := s.transact(ctx, req, metadataWord(partial))
	return err
}

func (s *ClientSession) learn(md earshot.Metadata, partial bool) {
	s.known = *merge(&s.known, &document{partial: partial, md: md}, "")
	s.known.Raw = nil
}

// Bye ends the session.
func (s *ClientSession) Bye(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bye(ctx)
}

func (s *ClientSession) bye(ctx context.Context) error {
	req, detail := s.request(sip.BYE), ""
	if s.dialect.byeMetadata { // RFC 7866 9.1 lets any request of the session carry it
		body := s.dialect.multipart("", s.dialect.metadata(leaving(s.known, time.Now()), true))
		req.AppendHeader(sip.NewHeader("Content-Type", s.dialect.body.contentType()))
		req.SetBody([]byte(body))
		detail = metadataWord(true)
	}
	_, err := s.transact(ctx, req, detail)
	if s.refresh != nil {
		s.refresh.Stop()
	}
	s.client.forget(s.CallID())
	return err
}

// leaving is the partial update that says that all participants leave.
func leaving(md earshot.Metadata, now time.Time) earshot.Metadata {
	var out earshot.Metadata
	for _, p := range md.SessionParticipants {
		p.Associate, p.Disassociate = time.Time{}, now
		out.SessionParticipants = append(out.SessionParticipants, p)
	}
	for _, p := range md.Participants {
		out.Participants = append(out.Participants, earshot.MetaParticipant{ID: p.ID})
	}
	return out
}

// offer sends an INVITE or re-INVITE and takes its answer.
func (s *ClientSession) offer(ctx context.Context, media []ClientMedia, md *earshot.Metadata, partial bool) error {
	first := s.answer == nil
	s.media = media
	req := s.request(sip.INVITE)
	detail := s.fill(req, md, partial)
	res, err := s.transact(ctx, req, detail)
	if err != nil {
		return err
	}
	if first {
		s.client.mu.Lock()
		s.client.sessions[s.CallID()] = s
		s.client.mu.Unlock()
	}
	if err := s.take(res); err != nil {
		return errors.Join(err, s.bye(ctx))
	}
	s.arm(res)
	return nil
}

// fill writes headers and body of an INVITE and says in words what it carries.
func (s *ClientSession) fill(req *sip.Request, md *earshot.Metadata, partial bool) string {
	d := s.dialect
	for _, h := range d.headersOf(s) {
		req.AppendHeader(sip.NewHeader(h[0], h[1]))
	}
	if n := s.spec.SessionExpires; n > 0 {
		value := strconv.Itoa(n)
		if s.spec.Refresher != "" {
			value += ";refresher=" + s.spec.Refresher
		}
		req.AppendHeader(sip.NewHeader("Session-Expires", value))
	}
	if d.late && s.answer == nil {
		return "no SDP"
	}
	sdp, lines := s.sdp(s.media), fmt.Sprintf("%d m-lines", len(s.media))
	if len(s.media) == 1 {
		lines = "1 m-line"
	}
	if md == nil || d.document == nil {
		req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		req.SetBody([]byte(sdp))
		return lines
	}
	req.AppendHeader(sip.NewHeader("Content-Type", d.body.contentType()))
	req.SetBody([]byte(d.multipart(sdp, d.metadata(*md, partial))))
	return lines + ", " + metadataWord(partial)
}

func metadataWord(partial bool) string {
	if partial {
		return "partial metadata"
	}
	return "metadata"
}

// request makes a request of the session with the next CSeq.
func (s *ClientSession) request(method sip.RequestMethod) *sip.Request {
	req := sip.NewRequest(method, s.target)
	req.SetTransport(strings.ToUpper(s.client.cfg.Transport))
	req.AppendHeader(sip.HeaderClone(s.invite.From()))
	req.AppendHeader(sip.HeaderClone(s.to))
	req.AppendHeader(sip.HeaderClone(s.invite.CallID()))
	if method != sip.ACK {
		s.cseq++
	}
	req.AppendHeader(&sip.CSeqHeader{SeqNo: s.cseq, MethodName: method})
	req.AppendHeader(sip.NewHeader("Contact", s.contact()))
	req.AppendHeader(sip.NewHeader("Max-Forwards", "70"))
	return req
}

func (s *ClientSession) contact() string {
	addr := s.client.addr
	if t := s.client.cfg.Transport; t != "" && t != "udp" {
		addr += ";transport=" + t
	}
	return fmt.Sprintf(s.dialect.contact, addr)
}

// take reads the answer of an INVITE.
func (s *ClientSession) take(res *sip.Response) error {
	o, err := parseSDP(res.Body())
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	s.answer = o.media
	return nil
}

// digest is what answers a challenge; nil when nothing can.
func (s *ClientSession) digest() *sipgo.DigestAuth {
	if s.spec.Username == "" {
		return nil
	}
	return &sipgo.DigestAuth{Username: s.spec.Username, Password: s.spec.Password}
}
