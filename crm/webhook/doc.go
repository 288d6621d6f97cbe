// Package webhook sends the notes of calls to an HTTP endpoint as Standard
// Webhooks 1.0.0 (https://www.standardwebhooks.com), symmetric signatures.
//
// The body is JSON: {"type":"call.note","timestamp":...,"data":{the note}}.
// The headers are webhook-id (the same for all attempts at one revision of a
// note), webhook-timestamp (Unix seconds of the attempt) and webhook-signature
// ("v1," and the base64 of HMAC-SHA256 over id.timestamp.body; one per secret,
// separated by spaces, while a secret is replaced).
//
// With Config.CloudEvents the body is an event of CloudEvents 1.0 in structured
// mode, of type "earshot.call.note", with the call's ID as its subject; the
// headers are the same.
//
// Events of live calls are posted in the same form, with their own type and
// data, within a second or not at all.
//
// # Guarantee
//
// At least once. When the connection breaks or the time runs out after the
// request was sent, nobody knows whether it arrived, and it is sent again. A
// receiver cuts doubles off by webhook-id; one that stores notes by data.id and
// keeps the highest data.revision needs not even that.
//
// # Answers
//
//	2xx                     confirmed
//	410                     the connector is disabled
//	408, 425, 429, 5xx      tried again, after Retry-After if given
//	302, 303, 307, others   tried again; redirects are not followed
//	301, 308, other 4xx     not tried again until somebody replays the job
package webhook
