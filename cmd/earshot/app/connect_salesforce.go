package app

import (
	"fmt"
	"os"
	"strings"

	"earshot/cmd/earshot/config"
	"earshot/crm"
	"earshot/crm/salesforce"
	"earshot/crm/token"
)

func connectSalesforce(cfg config.Config) (crm.Connector, func(), error) {
	s := cfg.Salesforce
	if s.URL == "" {
		return nil, nil, nil
	}
	grant, err := salesforceGrant(s)
	if err != nil {
		return nil, nil, err
	}
	tokens, err := token.New(token.Config{
		Name: "salesforce", URL: strings.TrimSuffix(s.URL, "/") + salesforce.TokenPath, Grant: grant, Store: tokenStore(cfg),
	})
	if err != nil {
		return nil, nil, err
	}
	c, err := salesforce.New(salesforce.Config{
		URL: s.URL, Tokens: tokens, ExternalID: s.ExternalID, Event: s.Event, Company: s.Company,
	})
	if err != nil {
		return nil, nil, err
	}
	return c, closers{tokens.Close, c.Close}.close, nil
}

// salesforceGrant returns how to sign in: with a refresh token, with a key, or
// as the app itself.
func salesforceGrant(s config.Salesforce) (token.Grant, error) {
	key, err := secret("salesforce.client_secret", s.ClientSecret, s.ClientSecretFile)
	if err != nil {
		return nil, err
	}
	refresh, err := secret("salesforce.refresh_token", s.RefreshToken, s.RefreshTokenFile)
	switch {
	case err != nil:
		return nil, err
	case refresh != "":
		return token.RefreshToken{ID: s.ClientID, Secret: key, Token: refresh}, nil
	case s.KeyFile == "":
		return token.ClientCredentials{ID: s.ClientID, Secret: key}, nil
	}
	text, err := os.ReadFile(s.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("read salesforce.key_file: %w", err)
	}
	signer, err := token.ParseKey(text)
	if err != nil {
		return nil, fmt.Errorf("salesforce.key_file: %w", err)
	}
	return token.JWT{
		Issuer: s.ClientID, Subject: s.Username, Audience: s.Audience, Key: signer, Life: salesforce.AssertionLife,
	}, nil
}
