package app

import (
	"errors"

	"earshot/cmd/earshot/config"
	"earshot/crm"
	"earshot/crm/rt"
)

func connectRT(cfg config.Config) (crm.Connector, func(), error) {
	s := cfg.RequestTracker
	if s.URL == "" {
		return nil, nil, nil
	}
	token, tokenErr := secret("request_tracker.token", s.Token, s.TokenFile)
	password, err := secret("request_tracker.password", s.Password, s.PasswordFile)
	if err = errors.Join(tokenErr, err); err != nil {
		return nil, nil, err
	}
	c, err := rt.New(rt.Config{URL: s.URL, Plain: s.Plain, Token: token, User: s.User, Password: password, Queue: s.Queue})
	if err != nil {
		return nil, nil, err
	}
	return c, c.Close, nil
}
