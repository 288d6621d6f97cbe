package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
)

type accountBody struct {
	Login    string              `json:"login" maxLength:"100" doc:"Unique, in any case of letters."`
	Name     string              `json:"name" maxLength:"200"`
	Role     earshot.AccountRole `json:"role" enum:"agent,supervisor,admin" doc:"agent: the calls of agent_id; supervisor: those of the team, or all; admin: everything."`
	AgentID  string              `json:"agent_id,omitempty" maxLength:"200" doc:"Who this is in the directory."`
	Team     string              `json:"team,omitempty" maxLength:"200" doc:"The team that a supervisor looks after; left out: all."`
	Disabled bool                `json:"disabled,omitempty" doc:"true: signed out everywhere, and may not sign in."`
	External bool                `json:"external,omitempty" doc:"true: the OpenID provider signs them in, and there is no password."`
	Password string              `json:"password,omitempty" maxLength:"1000" doc:"10 characters or more. Left out: stays as it is."`
}

func (b *accountBody) account(id string) earshot.Account {
	return earshot.Account{
		ID: id, Login: b.Login, Name: b.Name, Role: b.Role, AgentID: b.AgentID, Team: b.Team, Disabled: b.Disabled, External: b.External,
	}
}

type tokenBody struct {
	Name      string          `json:"name" minLength:"1" maxLength:"200" doc:"What it is for."`
	Scopes    []earshot.Scope `json:"scopes" minItems:"1" maxItems:"4" doc:"Some of read, audio, write, admin."`
	ExpiresAt *time.Time      `json:"expires_at,omitempty" doc:"Left out: holds until it is revoked."`
}

// NewToken is a token with its secret.
type NewToken struct {
	earshot.Token
	Secret string `json:"secret" doc:"To be sent as Authorization: Bearer SECRET. It is shown this once."`
}

type auditInput struct {
	Call   earshot.CallID `query:"call" maxLength:"64" doc:"Only what was done with this call."`
	Limit  int            `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"How many at the most."`
	Cursor string         `query:"cursor" maxLength:"512" doc:"The next of the page before."`
}

func (s *Server) accountRoutes(api huma.API) {
	tags := []string{"accounts"}
	bad := []int{http.StatusForbidden, http.StatusConflict, http.StatusUnprocessableEntity}
	register(s, api, huma.Operation{
		OperationID: "listAccounts", Method: http.MethodGet, Path: "/api/v1/accounts", Tags: tags, Summary: "Who may sign in",
	}, func(ctx context.Context, _ *struct{}) (*jsonBody[page[earshot.Account]], error) {
		list, err := s.deps.Accounts.Accounts(ctx)
		return pageOf(list, ""), err
	})
	register(s, api, huma.Operation{
		OperationID: "postAccount", Method: http.MethodPost, Path: "/api/v1/accounts", Tags: tags, Summary: "Make an account", Errors: bad,
		Description: "The first one must be an admin's: from then on everybody signs in.",
	}, func(ctx context.Context, in *postInput[accountBody]) (*jsonBody[earshot.Account], error) {
		return s.saveAccount(ctx, "", in.Body)
	})
	register(s, api, huma.Operation{
		OperationID: "putAccount", Method: http.MethodPut, Path: "/api/v1/accounts/{id}", Tags: tags, Summary: "Change an account",
		Errors: append([]int{http.StatusNotFound}, bad...),
	}, func(ctx context.Context, in *putInput[accountBody]) (*jsonBody[earshot.Account], error) {
		return s.saveAccount(ctx, in.ID, in.Body)
	})
	register(s, api, huma.Operation{
		OperationID: "listAudit", Method: http.MethodGet, Path: "/api/v1/audit", Tags: tags,
		Summary: "Who signed in, heard, downloaded and changed what, newest first", Errors: []int{http.StatusBadRequest},
	}, func(ctx context.Context, in *auditInput) (*jsonBody[page[earshot.AuditEntry]], error) {
		list, next, err := s.deps.Accounts.AuditTrail(ctx, in.Call, in.Limit, in.Cursor)
		return pageOf(list, next), err
	})
	s.tokenRoutes(api)
}

func (s *Server) tokenRoutes(api huma.API) {
	tags := []string{"accounts"}
	register(s, api, huma.Operation{
		OperationID: "listTokens", Method: http.MethodGet, Path: "/api/v1/tokens", Tags: tags,
		Summary: "Tokens of programs", Description: "One's own; those of all accounts for an admin.",
	}, func(ctx context.Context, _ *struct{}) (*jsonBody[page[earshot.Token]], error) {
		list, err := s.deps.Accounts.Tokens(ctx, tokensOf(ctx))
		return pageOf(list, ""), err
	})
	register(s, api, huma.Operation{
		OperationID: "postToken", Method: http.MethodPost, Path: "/api/v1/tokens", Tags: tags,
		Summary: "Make a token that acts for one's account", Errors: []int{http.StatusForbidden, http.StatusUnprocessableEntity},
	}, func(ctx context.Context, in *postInput[tokenBody]) (*jsonBody[NewToken], error) {
		account := principalOf(ctx).account
		if account.ID == "" {
			return nil, huma.Error422UnprocessableEntity("make an account first: a token acts for one")
		}
		t, secret, err := s.deps.Accounts.NewToken(ctx, account, in.Body.Name, in.Body.Scopes, in.Body.ExpiresAt)
		return &jsonBody[NewToken]{Body: NewToken{t, secret}}, err
	})
	register(s, api, huma.Operation{
		OperationID: "revokeToken", Method: http.MethodDelete, Path: "/api/v1/tokens/{id}", Tags: tags,
		Summary: "Revoke a token", DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, func(ctx context.Context, in *EntryInput) (*struct{}, error) {
		return nil, s.deps.Accounts.RevokeToken(ctx, tokensOf(ctx), in.ID)
	})
}

// tokensOf returns whose tokens whoever asks may see: "" for all.
func tokensOf(ctx context.Context) string {
	if a := principalOf(ctx).account; a.Role != earshot.AccountAdmin {
		return a.ID
	}
	return ""
}

func (s *Server) saveAccount(ctx context.Context, id string, body accountBody) (*jsonBody[earshot.Account], error) {
	any, err := s.deps.Accounts.Any(ctx)
	if err != nil {
		return nil, err
	}
	if !any && body.Role != earshot.AccountAdmin {
		return nil, huma.Error422UnprocessableEntity("the first account is an admin's: nobody could change any otherwise")
	}
	a, err := s.deps.Accounts.Save(ctx, body.account(id), body.Password)
	return &jsonBody[earshot.Account]{Body: a}, err
}
