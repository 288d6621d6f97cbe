package config

import (
	"errors"
	"fmt"
)

// Odoo is the connector that writes notes on partners there.
type Odoo struct {
	URL      string `koanf:"url" doc:"Address of an Odoo server; empty: no notes go there. See docs/crm-vendors.md."`
	Plain    bool   `koanf:"plain" doc:"Send credentials to an http URL that is not loopback too."`
	API      string `koanf:"api" doc:"json2 (Odoo 19 and later) or jsonrpc (before)."`
	Database string `koanf:"database" doc:"Its database."`
	User     string `koanf:"user" doc:"Login of the user who writes; needed for jsonrpc."`
	Key      string `koanf:"key" doc:"API key of that user."`
	KeyFile  string `koanf:"key_file" doc:"File that holds odoo.key."`
	Partner  string `koanf:"partner" doc:"Name of the partner that calls of nobody go to; it is made when it is not there."`
}

func (s Odoo) check() error {
	switch {
	case s.URL == "":
		return nil
	case s.API != "json2" && s.API != "jsonrpc":
		return fmt.Errorf("odoo.api: %q is not json2 or jsonrpc", s.API)
	case s.Database == "" || s.Key == "" && s.KeyFile == "":
		return errors.New("odoo.key: it and odoo.database are needed when odoo.url is set")
	case s.API == "jsonrpc" && s.User == "":
		return errors.New("odoo.user: needed for odoo.api: jsonrpc")
	}
	return nil
}
