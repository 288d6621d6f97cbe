package config

import "errors"

// Zendesk is the connector that writes tickets there.
type Zendesk struct {
	URL       string `koanf:"url" doc:"Address of the account, like https://acme.zendesk.com; empty: no notes go to Zendesk. See docs/crm-vendors.md."`
	User      string `koanf:"user" doc:"E-mail address of the agent who writes."`
	Token     string `koanf:"token" doc:"API token."`
	TokenFile string `koanf:"token_file" doc:"File that holds zendesk.token."`
	Voice     bool   `koanf:"voice" doc:"Make notes calls of the Talk Partner Edition, where both numbers are known."`
}

func (s Zendesk) check() error {
	if s.URL != "" && (s.User == "" || s.Token == "" && s.TokenFile == "") {
		return errors.New("zendesk.token: it and zendesk.user are needed when zendesk.url is set")
	}
	return nil
}
