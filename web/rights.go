package web

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
)

// need is what an operation asks of whoever wants it.
type need struct {
	role  earshot.AccountRole // and those above it; "" is anybody, signed in or not
	scope earshot.Scope       // of a token
	// audit is what the trail calls it, "" if it is not written down.
	audit string
	// sitting says that a player asks again and again, part by part: one entry is
	// enough for a while.
	sitting bool
}

// needs is the one table of who may do what. An operation that is not in it is
// not served. Those of a call are for who may see the call, besides.
var needs = map[string]need{
	"alive": {}, "ready": {}, "signIn": {}, "signOut": {}, "whoAmI": {},
	"beginSignIn": {}, "finishSignIn": {},
	"metrics": {role: earshot.AccountAdmin, scope: earshot.ScopeAdmin},

	"listCalls":       {role: earshot.AccountAgent, scope: earshot.ScopeRead},
	"getCall":         {role: earshot.AccountAgent, scope: earshot.ScopeRead},
	"getTranscript":   {role: earshot.AccountAgent, scope: earshot.ScopeRead},
	"listMetadata":    {role: earshot.AccountSupervisor, scope: earshot.ScopeRead},
	"listSuggestions": {role: earshot.AccountAgent, scope: earshot.ScopeRead},
	"rateSuggestion":  {role: earshot.AccountAgent, scope: earshot.ScopeWrite},
	"countFeedback":   {role: earshot.AccountSupervisor, scope: earshot.ScopeRead},
	"listChecklist":   {role: earshot.AccountAgent, scope: earshot.ScopeRead},
	"getSummary":      {role: earshot.AccountAgent, scope: earshot.ScopeRead},
	"putSummary":      {role: earshot.AccountAgent, scope: earshot.ScopeWrite, audit: "edit summary"},
	"dispositions":    {role: earshot.AccountAgent, scope: earshot.ScopeRead},
	"retryNotes":      {role: earshot.AccountAgent, scope: earshot.ScopeWrite, audit: "retry notes"},
	"listNotes":       {role: earshot.AccountAgent, scope: earshot.ScopeRead},
	"summarizeCall":   {role: earshot.AccountAgent, scope: earshot.ScopeRead},
	"ask":             {role: earshot.AccountAgent, scope: earshot.ScopeRead},
	"getMeasures":     {role: earshot.AccountAgent, scope: earshot.ScopeRead},
	"search":          {role: earshot.AccountAgent, scope: earshot.ScopeRead},
	"getAnalytics":    {role: earshot.AccountAgent, scope: earshot.ScopeRead},
	"events":          {role: earshot.AccountAgent, scope: earshot.ScopeRead},
	"callEvents":      {role: earshot.AccountAgent, scope: earshot.ScopeRead},

	"pauseCall":  {role: earshot.AccountAgent, scope: earshot.ScopeWrite, audit: "pause recording"},
	"resumeCall": {role: earshot.AccountAgent, scope: earshot.ScopeWrite, audit: "resume recording"},

	"transcribeCall":  {role: earshot.AccountSupervisor, scope: earshot.ScopeWrite, audit: "transcribe again"},
	"getTranscribing": {role: earshot.AccountAgent, scope: earshot.ScopeRead},

	"getAudio":   {role: earshot.AccountAgent, scope: earshot.ScopeAudio, audit: "hear recording", sitting: true},
	"getPeaks":   {role: earshot.AccountAgent, scope: earshot.ScopeRead},
	"getCapture": {role: earshot.AccountSupervisor, scope: earshot.ScopeAudio, audit: "download capture"},

	"listSIPMessages": {role: earshot.AccountSupervisor, scope: earshot.ScopeRead},
	"listRefusedSIP":  {role: earshot.AccountAdmin, scope: earshot.ScopeAdmin},

	"listConnectors": {role: earshot.AccountAdmin, scope: earshot.ScopeAdmin},
	"testConnector":  {role: earshot.AccountAdmin, scope: earshot.ScopeAdmin, audit: "test connector"},
	"previewNote":    {role: earshot.AccountAgent, scope: earshot.ScopeRead},

	"listJobs":       {role: earshot.AccountAdmin, scope: earshot.ScopeAdmin},
	"replayJob":      {role: earshot.AccountAdmin, scope: earshot.ScopeAdmin, audit: "replay job"},
	"replayDeadJobs": {role: earshot.AccountAdmin, scope: earshot.ScopeAdmin, audit: "replay jobs"},

	"listAgents": {role: earshot.AccountSupervisor, scope: earshot.ScopeRead},
	"getAgent":   {role: earshot.AccountSupervisor, scope: earshot.ScopeRead},
	"putAgent":   {role: earshot.AccountAdmin, scope: earshot.ScopeAdmin, audit: "change directory"},
	"postAgent":  {role: earshot.AccountAdmin, scope: earshot.ScopeAdmin, audit: "change directory"},
	"listTeams":  {role: earshot.AccountSupervisor, scope: earshot.ScopeRead},
	"getTeam":    {role: earshot.AccountSupervisor, scope: earshot.ScopeRead},
	"putTeam":    {role: earshot.AccountAdmin, scope: earshot.ScopeAdmin, audit: "change directory"},
	"postTeam":   {role: earshot.AccountAdmin, scope: earshot.ScopeAdmin, audit: "change directory"},
	"listQueues": {role: earshot.AccountSupervisor, scope: earshot.ScopeRead},
	"getQueue":   {role: earshot.AccountSupervisor, scope: earshot.ScopeRead},
	"putQueue":   {role: earshot.AccountAdmin, scope: earshot.ScopeAdmin, audit: "change directory"},
	"postQueue":  {role: earshot.AccountAdmin, scope: earshot.ScopeAdmin, audit: "change directory"},

	"listAccounts": {role: earshot.AccountAdmin, scope: earshot.ScopeAdmin},
	"postAccount":  {role: earshot.AccountAdmin, scope: earshot.ScopeAdmin, audit: "make account"},
	"putAccount":   {role: earshot.AccountAdmin, scope: earshot.ScopeAdmin, audit: "change account"},
	"listTokens":   {role: earshot.AccountAgent, scope: earshot.ScopeAdmin},
	"postToken":    {role: earshot.AccountAgent, scope: earshot.ScopeAdmin, audit: "make token"},
	"revokeToken":  {role: earshot.AccountAgent, scope: earshot.ScopeAdmin, audit: "revoke token"},
	"listAudit":    {role: earshot.AccountAdmin, scope: earshot.ScopeAdmin},
}

// rank orders the roles.
var rank = []earshot.AccountRole{earshot.AccountAgent, earshot.AccountSupervisor, earshot.AccountAdmin}

// ofCall is an input that names a call.
type ofCall interface{ callID() earshot.CallID }

func (in *CallInput) callID() earshot.CallID { return in.ID }

// gate lets those through who may do an operation, before the request is read.
func (s *Server) gate(api huma.API, n need) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		p := principalOf(ctx.Context())
		status, why := 0, ""
		switch {
		case n.role == "":
		case p == nil:
			status, why = http.StatusUnauthorized, "sign in first, or send a token"
			ctx.SetHeader("WWW-Authenticate", `Bearer realm="earshot"`)
		case slices.Index(rank, p.account.Role) < slices.Index(rank, n.role):
			status, why = http.StatusForbidden, "this is for accounts of the role "+string(n.role)
		case !p.has(n.scope):
			status, why = http.StatusForbidden, "this needs a token of the scope "+string(n.scope)
		}
		if status == 0 {
			next(ctx)
			return
		}
		_ = huma.WriteErr(api, ctx, status, why) // the client is gone
	}
}

// admit reports whether whoever asks may do something with the call that the
// input names, and writes down what is written down. A call that may not be
// seen is one that is not there.
func (s *Server) admit(ctx context.Context, n need, in any) error {
	if n.role == "" {
		return nil
	}
	call := earshot.CallID("")
	if of, ok := in.(ofCall); ok {
		call = of.callID()
		if err := s.maySee(ctx, principalOf(ctx), call); err != nil {
			return err
		}
	}
	if n.audit == "" {
		return nil
	}
	login := principalOf(ctx).account.Login
	if n.sitting && s.sittings.goesOn(login, call, time.Now()) {
		return nil
	}
	err := s.audit(ctx, n.audit, call)
	if err != nil {
		s.sittings.end(login, call)
	}
	return err
}

// sittingLength is how long after it began somebody hears the same recording in
// one sitting.
const sittingLength = 15 * time.Minute

// sittings are who hears which recording right now.
type sittings struct {
	mu    sync.Mutex
	began map[string]time.Time
}

// goesOn reports whether a sitting goes on; if not, one begins.
func (s *sittings) goesOn(login string, call earshot.CallID, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sittingKey(login, call)
	if now.Sub(s.began[key]) < sittingLength {
		return true
	}
	maps.DeleteFunc(s.began, func(_ string, began time.Time) bool { return now.Sub(began) >= sittingLength })
	if s.began == nil {
		s.began = map[string]time.Time{}
	}
	s.began[key] = now
	return false
}

// end ends a sitting: its beginning could not be written down.
func (s *sittings) end(login string, call earshot.CallID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.began, sittingKey(login, call))
}

func sittingKey(login string, call earshot.CallID) string { return login + " " + string(call) }

func (s *Server) maySee(ctx context.Context, p *principal, id earshot.CallID) error {
	if p.audience().All() {
		return nil
	}
	c, err := s.deps.Reader.Call(ctx, id)
	if err != nil {
		return err
	}
	if c = s.live(c); !p.audience().Sees(&c) {
		return earshot.ErrNotFound
	}
	return nil
}
