package config

import "fmt"

// Salesforce is the connector that writes notes into that CRM.
type Salesforce struct {
	URL              string `koanf:"url" doc:"Address of My Domain, like https://acme.my.salesforce.com; empty: no notes go to Salesforce."`
	ClientID         string `koanf:"client_id" doc:"Consumer key of the app, see docs/crm-vendors.md."`
	ClientSecret     string `koanf:"client_secret" doc:"Consumer secret; enough to sign in where the app has a user to run as."`
	ClientSecretFile string `koanf:"client_secret_file" doc:"File that holds salesforce.client_secret."`
	Username         string `koanf:"username" doc:"User to sign in as with salesforce.key_file."`
	KeyFile          string `koanf:"key_file" doc:"File (PEM) with the RSA key whose certificate the app has."`
	Audience         string `koanf:"audience" doc:"Who that is signed for: https://test.salesforce.com for a sandbox."`
	RefreshToken     string `koanf:"refresh_token" doc:"Refresh token that the app was given; ones that Salesforce gives later are kept in data.dir, encrypted."`
	RefreshTokenFile string `koanf:"refresh_token_file" doc:"File that holds salesforce.refresh_token."`
	ExternalID       string `koanf:"external_id" doc:"Custom field of activities that is an external ID, like Earshot_Id__c; empty: notes are looked up by CallObject."`
	Event            string `koanf:"event" doc:"Platform event that shows calls while they last, like Earshot_Call__e; empty: none."`
	Company          string `koanf:"company" doc:"Company of leads that are made for numbers nobody has."`
}

func (s Salesforce) check() error {
	if s.URL != "" && s.ClientID == "" {
		return fmt.Errorf("salesforce.client_id: needed when salesforce.url is set")
	}
	return nil
}
