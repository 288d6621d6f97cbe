package config

import "errors"

// EspoCRM is the connector that writes calls there.
type EspoCRM struct {
	URL     string `koanf:"url" doc:"Address of an EspoCRM, without /api/v1; empty: no notes go there. See docs/crm-vendors.md."`
	Plain   bool   `koanf:"plain" doc:"Send credentials to an http URL that is not loopback too."`
	Key     string `koanf:"key" doc:"Key of an API user."`
	KeyFile string `koanf:"key_file" doc:"File that holds espocrm.key."`
}

func (s EspoCRM) check() error {
	if s.URL != "" && s.Key == "" && s.KeyFile == "" {
		return errors.New("espocrm.key: needed when espocrm.url is set")
	}
	return nil
}
