package config

import "errors"

// RequestTracker is the connector that comments on tickets there.
type RequestTracker struct {
	URL          string `koanf:"url" doc:"Address of a Request Tracker 5, without /REST/2.0; empty: no notes go there. See docs/crm-vendors.md."`
	Plain        bool   `koanf:"plain" doc:"Send credentials to an http URL that is not loopback too."`
	Token        string `koanf:"token" doc:"Authentication token; or user and password."`
	TokenFile    string `koanf:"token_file" doc:"File that holds request_tracker.token."`
	User         string `koanf:"user" doc:"Name of the user who comments."`
	Password     string `koanf:"password" doc:"Their password."`
	PasswordFile string `koanf:"password_file" doc:"File that holds request_tracker.password."`
	Queue        string `koanf:"queue" doc:"Queue where tickets are looked for and made."`
}

func (r RequestTracker) check() error {
	if r.URL != "" && r.Token == "" && r.TokenFile == "" && (r.User == "" || r.Password == "" && r.PasswordFile == "") {
		return errors.New("request_tracker.token: it, or request_tracker.user and request_tracker.password are needed when request_tracker.url is set")
	}
	return nil
}
