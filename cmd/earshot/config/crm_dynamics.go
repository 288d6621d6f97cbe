package config

import "fmt"

// Dynamics is the connector that writes notes into Dynamics 365.
type Dynamics struct {
	URL              string `koanf:"url" doc:"Address of the environment, like https://acme.crm4.dynamics.com; empty: no notes go to Dynamics 365."`
	Tenant           string `koanf:"tenant" doc:"Tenant of Microsoft Entra, by ID or domain."`
	ClientID         string `koanf:"client_id" doc:"ID of the app there, see docs/crm-vendors.md."`
	ClientSecret     string `koanf:"client_secret" doc:"Its secret."`
	ClientSecretFile string `koanf:"client_secret_file" doc:"File that holds dynamics.client_secret."`
	Login            string `koanf:"login" doc:"Where tokens come from; another one for national clouds."`
	MaxBody          int    `koanf:"max_body" doc:"How many characters the description of a phone call and of a task has place for."`
}

func (d Dynamics) check() error {
	if d.URL != "" && (d.Tenant == "" || d.ClientID == "") {
		return fmt.Errorf("dynamics.tenant, dynamics.client_id: needed when dynamics.url is set")
	}
	return nil
}
