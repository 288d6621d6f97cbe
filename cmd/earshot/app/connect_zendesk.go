package app

import (
	"earshot/cmd/earshot/config"
	"earshot/crm"
	"earshot/crm/zendesk"
)

func connectZendesk(cfg config.Config) (crm.Connector, func(), error) {
	s := cfg.Zendesk
	if s.URL == "" {
		return nil, nil, nil
	}
	token, err := secret("zendesk.token", s.Token, s.TokenFile)
	if err != nil {
		return nil, nil, err
	}
	c, err := zendesk.New(zendesk.Config{URL: s.URL, User: s.User, Token: token, Voice: s.Voice})
	if err != nil {
		return nil, nil, err
	}
	return c, c.Close, nil
}
