package earshot

import "time"

// AccountError says that an account, a change of one or a token cannot be.
type AccountError struct {
	// Why is for whoever asked for it.
	Why string
}

func (e *AccountError) Error() string { return e.Why }

// AccountRole is what somebody who signs in may do.
type AccountRole string

// The roles of accounts, each of which may do what the ones before it may.
const (
	// AccountAgent sees the calls that the account's agent took part in.
	AccountAgent AccountRole = "agent"
	// AccountSupervisor sees the calls of a team, or all of them if the account
	// names no team.
	AccountSupervisor AccountRole = "supervisor"
	// AccountAdmin sees everything and changes how the server is set up.
	AccountAdmin AccountRole = "admin"
)

// Account is somebody who may sign in.
type Account struct {
	ID string `json:"id"`
	// Login is unique, in any case of letters.
	Login string      `json:"login"`
	Name  string      `json:"name"`
	Role  AccountRole `json:"role"`
	// AgentID is who the account is in the directory, "" if nobody.
	AgentID string `json:"agent_id,omitempty"`
	// Team is the ID of the team that a supervisor looks after, "" for all.
	Team     string `json:"team,omitempty"`
	Disabled bool   `json:"disabled"`
	// External says that an OpenID provider signs them in: there is no password.
	External bool `json:"external"`
	// Subject is who they are there, issuer and ID, once they have signed in.
	Subject   string    `json:"subject,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	// Password is its hash in the PHC string format, never shown.
	Password string `json:"-"`
}

// Scope is what a token may be used for.
type Scope string

// The scopes of tokens.
const (
	ScopeRead  Scope = "read"  // calls, transcripts, suggestions, summaries, events, search
	ScopeAudio Scope = "audio" // recordings and captures
	ScopeWrite Scope = "write" // what changes a call: pausing, feedback
	ScopeAdmin Scope = "admin" // how the server is set up, metrics
)

// Scopes are all there are.
func Scopes() []Scope { return []Scope{ScopeRead, ScopeAudio, ScopeWrite, ScopeAdmin} }

// Token lets a program act for an account, within its scopes.
type Token struct {
	ID        string     `json:"id"`
	AccountID string     `json:"account_id"`
	Name      string     `json:"name"`
	Scopes    []Scope    `json:"scopes"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	// Hash is the SHA-256 of the token, never shown.
	Hash []byte `json:"-"`
}

// Session is one browser that is signed in.
type Session struct {
	// Hash is the SHA-256 of the cookie.
	Hash      []byte
	AccountID string
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Audience is who asks for calls: those that an agent took part in, or one of a
// team. The zero value sees all.
type Audience struct {
	AgentID string
	Team    string
	// Nobody sees no call: an agent's account that names no agent.
	Nobody bool
}

// All reports whether every call may be seen.
func (a Audience) All() bool { return a == Audience{} }

// Sees reports whether a call may be seen.
func (a Audience) Sees(c *Call) bool {
	if a.All() {
		return true
	}
	if a.Nobody {
		return false
	}
	for _, p := range c.Participants {
		if a.AgentID != "" && p.AgentID == a.AgentID || a.Team != "" && p.Team == a.Team {
			return true
		}
	}
	return false
}

// AuditEntry is something that somebody did, or was refused, and that others
// may ask about later.
type AuditEntry struct {
	At time.Time `json:"at"`
	// Login is who did it, as typed if nobody is signed in.
	Login  string `json:"login"`
	Action string `json:"action"`
	CallID CallID `json:"call_id,omitempty"`
	Detail string `json:"detail,omitempty"`
	// Remote is the address it came from.
	Remote string `json:"remote,omitempty"`
}
