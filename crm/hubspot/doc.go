// Package hubspot writes the notes of calls into HubSpot as calls, which are
// activities of its CRM
// (https://developers.hubspot.com/docs/api-reference/latest/crm/activities/calls/guide),
// with follow-up tasks.
//
// # What an administrator prepares
//
// A private app, or an app of their own with OAuth, that may read and write
// contacts (crm.objects.contacts.read and .write, as the reference asks for
// calls and tasks too), and text properties with unique values: one of calls for
// the ID of a note, one of tasks for that of a task, and one of contacts where
// contacts are to be made.
//
// # Guarantee
//
// Exactly once: notes and tasks are upserted by these properties, so that an
// attempt whose outcome is unknown is simply made again. HubSpot's search, which
// lags, is asked for contacts only. The exception is a call that somebody
// deletes in HubSpot: the next revision creates it again.
//
// # Answers
//
// Those of package [earshot/crm/rest], and
//
//	207                  some inputs failed; ours is the only one: as its category says
//	477                  the account is being moved: tried again
//	404 for a link       the contact is gone: the call stays without one
package hubspot
