package config

// HubSpot is the connector that writes notes into that CRM.
type HubSpot struct {
	Token            string `koanf:"token" doc:"Token of a private app, see docs/crm-vendors.md; empty, and no refresh token: no notes go to HubSpot."`
	TokenFile        string `koanf:"token_file" doc:"File that holds hubspot.token."`
	ClientID         string `koanf:"client_id" doc:"ID of an app with OAuth, in place of a token."`
	ClientSecret     string `koanf:"client_secret" doc:"Its secret."`
	ClientSecretFile string `koanf:"client_secret_file" doc:"File that holds hubspot.client_secret."`
	RefreshToken     string `koanf:"refresh_token" doc:"Refresh token that it was given; ones that HubSpot gives later are kept in data.dir, encrypted."`
	RefreshTokenFile string `koanf:"refresh_token_file" doc:"File that holds hubspot.refresh_token."`
	URL              string `koanf:"url" doc:"Address of the API of HubSpot."`
	Property         string `koanf:"property" doc:"Property of calls with unique values that holds our ID of the note."`
	TaskProperty     string `koanf:"task_property" doc:"Property of tasks with unique values that holds our key of the task; empty: no tasks are made."`
	ContactProperty  string `koanf:"contact_property" doc:"Property of contacts with unique values that holds the number of a contact made here; empty: none are made."`
}
