package app

import (
	"earshot/cmd/earshot/config"
	"earshot/web"
	"earshot/web/oidc"
)

// openIDProvider returns who signs people in elsewhere, nil for nobody.
func openIDProvider(cfg config.OIDC) (web.Provider, error) {
	if !cfg.On() {
		return nil, nil
	}
	p, err := NewOpenID(cfg)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// NewOpenID returns the configured OpenID provider.
func NewOpenID(cfg config.OIDC) (*oidc.Provider, error) {
	secret, err := secret("http.oidc.client_secret", cfg.ClientSecret, cfg.ClientSecretFile)
	if err != nil {
		return nil, err
	}
	return oidc.New(oidc.Config{
		Issuer: cfg.Issuer, ClientID: cfg.ClientID, ClientSecret: secret, Name: cfg.Name, Scopes: cfg.Scopes,
		Login: cfg.LoginClaim, Agent: cfg.AgentClaim, Team: cfg.TeamClaim,
		Roles: cfg.RolesClaim, Admins: cfg.Admins, Supervisors: cfg.Supervisors, Agents: cfg.Agents,
	}), nil
}
