package config

import (
	"fmt"
	"net/netip"
	"net/url"
)

// OIDC is an OpenID provider that signs people in.
type OIDC struct {
	Issuer           string   `koanf:"issuer" doc:"URL of an OpenID provider that people may sign in through (docs/access.md); empty: none."`
	ClientID         string   `koanf:"client_id" doc:"What this server is called there. Its redirect URI is http.public_url with /signin/callback."`
	ClientSecret     string   `koanf:"client_secret" doc:"Secret of the client; empty for a public one."`
	ClientSecretFile string   `koanf:"client_secret_file" doc:"File that holds http.oidc.client_secret."`
	Name             string   `koanf:"name" doc:"What people know the provider by."`
	Scopes           []string `koanf:"scopes" doc:"Scopes to ask for besides openid."`
	LoginClaim       string   `koanf:"login_claim" doc:"Claim that is somebody's login here."`
	RolesClaim       string   `koanf:"roles_claim" doc:"Claim with somebody's groups, with dots if it is within another; then who is in one of the groups below has an account. Empty: accounts are made by earshot accounts add --external."`
	Admins           []string `koanf:"admins" doc:"Groups of admins."`
	Supervisors      []string `koanf:"supervisors" doc:"Groups of supervisors."`
	Agents           []string `koanf:"agents" doc:"Groups of agents."`
	AgentClaim       string   `koanf:"agent_claim" doc:"Claim that is somebody's ID in the directory; empty: their login."`
	TeamClaim        string   `koanf:"team_claim" doc:"Claim that is the ID of the team whose calls a supervisor sees; empty: they see all."`
}

// On reports whether there is a provider.
func (o OIDC) On() bool { return o.Issuer != "" }

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

func (o OIDC) check() error {
	if !o.On() {
		return nil
	}
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())) {
		return fmt.Errorf("http.oidc.issuer: %q is not an https URL", o.Issuer)
	}
	switch groups := len(o.Admins) + len(o.Supervisors) + len(o.Agents); {
	case o.ClientID == "":
		return fmt.Errorf("http.oidc.client_id: missing")
	case o.LoginClaim == "":
		return fmt.Errorf("http.oidc.login_claim: missing")
	case o.RolesClaim != "" && groups == 0:
		return fmt.Errorf("http.oidc.roles_claim: needs groups in http.oidc.admins, supervisors or agents")
	case o.RolesClaim == "" && groups > 0:
		return fmt.Errorf("http.oidc.admins, supervisors and agents: need http.oidc.roles_claim")
	}
	return nil
}
