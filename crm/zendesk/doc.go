// Package zendesk writes the notes of calls into Zendesk Support as tickets
// (https://developer.zendesk.com/api-reference/ticketing/introduction/), or as
// calls of its Talk Partner Edition
// (https://developer.zendesk.com/api-reference/voice/talk-partner-edition-api/talk_partner_edition_api/),
// with tickets of type task for what was promised.
//
// A comment cannot be changed: a later revision is a further internal comment
// that says what it replaces.
//
// # Guarantee
//
// Once. A ticket has our ID of the note as its external ID, and every comment a
// last line with the key of its revision; an attempt of unknown outcome looks for
// both in the ticket lists, not in the search, which lags. A request that is sent
// again within hours is answered by Zendesk from its Idempotency-Key as well. A
// double, after somebody changed the external ID, is two tickets.
//
// # Answers
//
// Those of package [earshot/crm/rest].
package zendesk
