package app

import (
	"strings"

	"earshot/cmd/earshot/config"
	"earshot/crm"
	"earshot/crm/hubspot"
	"earshot/crm/token"
)

func connectHubSpot(cfg config.Config) (crm.Connector, func(), error) {
	s := cfg.HubSpot
	fixed, err := secret("hubspot.token", s.Token, s.TokenFile)
	if err != nil {
		return nil, nil, err
	}
	refresh, err := secret("hubspot.refresh_token", s.RefreshToken, s.RefreshTokenFile)
	if err != nil || fixed == "" && refresh == "" {
		return nil, nil, err
	}
	out := hubspot.Config{URL: s.URL, Token: fixed, Property: s.Property, TaskProperty: s.TaskProperty, ContactProperty: s.ContactProperty}
	var held closers
	if fixed == "" {
		key, err := secret("hubspot.client_secret", s.ClientSecret, s.ClientSecretFile)
		if err != nil {
			return nil, nil, err
		}
		tokens, err := token.New(token.Config{
			Name: "hubspot", URL: strings.TrimSuffix(s.URL, "/") + hubspot.TokenPath, Store: tokenStore(cfg),
			Grant: token.RefreshToken{ID: s.ClientID, Secret: key, Token: refresh},
		})
		if err != nil {
			return nil, nil, err
		}
		out.Tokens, held = tokens, append(held, tokens.Close)
	}
	c, err := hubspot.New(out)
	if err != nil {
		return nil, nil, err
	}
	return c, append(held, c.Close).close, nil
}
