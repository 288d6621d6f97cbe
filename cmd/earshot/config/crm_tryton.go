package config

import "errors"

// Tryton is the connector that writes notes on parties there.
type Tryton struct {
	URL          string `koanf:"url" doc:"Address of a Tryton 6 server; empty: no notes go there. See docs/crm-vendors.md."`
	Plain        bool   `koanf:"plain" doc:"Send credentials to an http URL that is not loopback too."`
	Database     string `koanf:"database" doc:"Its database."`
	User         string `koanf:"user" doc:"Who signs in."`
	Password     string `koanf:"password" doc:"Their password."`
	PasswordFile string `koanf:"password_file" doc:"File that holds tryton.password."`
	Party        string `koanf:"party" doc:"Name of the party that calls of nobody go to; it is made when it is not there."`
}

func (s Tryton) check() error {
	if s.URL != "" && (s.Database == "" || s.User == "" || s.Password == "" && s.PasswordFile == "") {
		return errors.New("tryton.user: it, tryton.database and tryton.password are needed when tryton.url is set")
	}
	return nil
}
