package app

import (
	"earshot/cmd/earshot/config"
	"earshot/crm"
	"earshot/crm/odoo"
)

func connectOdoo(cfg config.Config) (crm.Connector, func(), error) {
	s := cfg.Odoo
	if s.URL == "" {
		return nil, nil, nil
	}
	key, err := secret("odoo.key", s.Key, s.KeyFile)
	if err != nil {
		return nil, nil, err
	}
	c, err := odoo.New(odoo.Config{
		URL: s.URL, Plain: s.Plain, API: s.API, Database: s.Database, User: s.User, Key: key, Partner: s.Partner,
	})
	if err != nil {
		return nil, nil, err
	}
	return c, c.Close, nil
}
