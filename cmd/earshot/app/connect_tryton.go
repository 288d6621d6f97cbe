package app

import (
	"earshot/cmd/earshot/config"
	"earshot/crm"
	"earshot/crm/tryton"
)

func connectTryton(cfg config.Config) (crm.Connector, func(), error) {
	s := cfg.Tryton
	if s.URL == "" {
		return nil, nil, nil
	}
	password, err := secret("tryton.password", s.Password, s.PasswordFile)
	if err != nil {
		return nil, nil, err
	}
	c, err := tryton.New(tryton.Config{
		URL: s.URL, Plain: s.Plain, Database: s.Database, User: s.User, Password: password, Party: s.Party,
	})
	if err != nil {
		return nil, nil, err
	}
	return c, c.Close, nil
}
