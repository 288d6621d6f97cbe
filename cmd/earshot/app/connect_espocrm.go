package app

import (
	"earshot/cmd/earshot/config"
	"earshot/crm"
	"earshot/crm/espocrm"
)

func connectEspoCRM(cfg config.Config) (crm.Connector, func(), error) {
	s := cfg.EspoCRM
	if s.URL == "" {
		return nil, nil, nil
	}
	key, err := secret("espocrm.key", s.Key, s.KeyFile)
	if err != nil {
		return nil, nil, err
	}
	c, err := espocrm.New(espocrm.Config{URL: s.URL, Plain: s.Plain, Key: key})
	if err != nil {
		return nil, nil, err
	}
	return c, c.Close, nil
}
