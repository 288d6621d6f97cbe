package app

import (
	"net/url"
	"strings"

	"earshot/cmd/earshot/config"
	"earshot/crm"
	"earshot/crm/dynamics"
	"earshot/crm/token"
)

func connectDynamics(cfg config.Config) (crm.Connector, func(), error) {
	s := cfg.Dynamics
	if s.URL == "" {
		return nil, nil, nil
	}
	key, err := secret("dynamics.client_secret", s.ClientSecret, s.ClientSecretFile)
	if err != nil {
		return nil, nil, err
	}
	tokens, err := token.New(token.Config{
		Name:  "dynamics",
		URL:   strings.TrimSuffix(s.Login, "/") + "/" + url.PathEscape(s.Tenant) + dynamics.TokenPath,
		Grant: token.ClientCredentials{ID: s.ClientID, Secret: key, Scope: strings.TrimSuffix(s.URL, "/") + dynamics.Scope},
	})
	if err != nil {
		return nil, nil, err
	}
	c, err := dynamics.New(dynamics.Config{URL: s.URL, Tokens: tokens, MaxBody: s.MaxBody})
	if err != nil {
		return nil, nil, err
	}
	return c, closers{tokens.Close, c.Close}.close, nil
}
