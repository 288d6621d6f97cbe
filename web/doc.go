// Package web is the HTTP side of the server: the REST API and its OpenAPI
// description, the stream of events (SSE), the page, metrics and health.
//
// It reads through the small interfaces in deps.go and never writes but for
// sending dead jobs round again. The events come in through
// [Broker.Publish], which never waits for a reader: whoever is too slow is
// cut off and goes on from the store with its Last-Event-ID.
//
// There are no accounts yet. Therefore it listens on loopback only, answers
// only to its own host names, and refuses what another site's page sends.
package web
