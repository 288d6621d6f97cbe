package config

import (
	"fmt"

	"earshot/crm/phone"
)

// CRM is what all connectors share.
type CRM struct {
	Mapping string `koanf:"mapping" doc:"File (YAML) that says how notes are written for each connector, see docs/crm.md; empty: in plain words."`
	Region  string `koanf:"region" doc:"Country (ISO 3166-1, such as DE) that telephone numbers without a country code are of; empty: only international numbers are looked up in full."`
}

func (c CRM) check() error {
	if c.Region != "" && !phone.ValidRegion(c.Region) {
		return fmt.Errorf("crm.region: %q is no country like DE", c.Region)
	}
	return nil
}

// checkConnectors checks what notes go to.
func (c Config) checkConnectors() error {
	for _, s := range []interface{ check() error }{
		c.CRM, c.Dynamics, c.EspoCRM, c.Odoo, c.Pipedrive, c.RequestTracker, c.Salesforce, c.Tryton, c.Webhook, c.Zendesk,
	} {
		if err := s.check(); err != nil {
			return err
		}
	}
	return nil
}
