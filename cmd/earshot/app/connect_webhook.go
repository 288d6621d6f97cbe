package app

import (
	"earshot/cmd/earshot/config"
	"earshot/crm"
	"earshot/crm/webhook"
)

func connectWebhook(cfg config.Config) (crm.Connector, func(), error) {
	if cfg.Webhook.URL == "" {
		return nil, nil, nil
	}
	c, err := webhook.New(webhook.Config{
		URL: cfg.Webhook.URL, Secret: cfg.Webhook.Secrets[0], Previous: cfg.Webhook.Secrets[1:],
		Events: cfg.Webhook.EventTypes(), CloudEvents: cfg.Webhook.Format == "cloudevents", Source: cfg.HTTP.PublicURL,
	})
	if err != nil {
		return nil, nil, err
	}
	return c, c.Close, nil
}
