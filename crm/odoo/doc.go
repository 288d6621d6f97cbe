// Package odoo writes the notes of calls into Odoo as log notes of the partner
// who called, with to-do activities: over the JSON-2 API of Odoo 19 and later
// (https://www.odoo.com/documentation/19.0/developer/reference/external_api.html),
// or over JSON-RPC before
// (https://www.odoo.com/documentation/18.0/developer/reference/external_api.html).
//
// # Guarantee
//
// Once, by look-before-write. A log note is posted under a Message-Id made of
// our ID of the note, which Odoo keeps in an index; an attempt of unknown outcome
// asks for it, in the database itself, which does not lag. A double, after
// somebody changed the Message-Id, is two messages with the same text.
//
// # Answers
//
// Those of package [earshot/crm/rest]. JSON-RPC reports errors with status 200
// and the name of an exception: those of the database are transient, what Odoo
// itself refuses (AccessError, UserError, ValidationError, MissingError) is
// permanent, and anything else may have happened.
package odoo
