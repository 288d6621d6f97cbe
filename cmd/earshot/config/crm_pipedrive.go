package config

import "errors"

// Pipedrive is the connector that writes calls there.
type Pipedrive struct {
	URL        string `koanf:"url" doc:"Address of the company, like https://acme.pipedrive.com; empty: no notes go to Pipedrive. See docs/crm-vendors.md."`
	Token      string `koanf:"token" doc:"API token of a user."`
	TokenFile  string `koanf:"token_file" doc:"File that holds pipedrive.token."`
	Recordings bool   `koanf:"recordings" doc:"Upload the recording with each call."`
}

func (s Pipedrive) check() error {
	if s.URL != "" && s.Token == "" && s.TokenFile == "" {
		return errors.New("pipedrive.token: needed when pipedrive.url is set")
	}
	return nil
}
