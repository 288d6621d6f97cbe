// Package dynamics writes the notes of calls into Dynamics 365 as phone calls,
// with follow-up tasks, by the Web API of Dataverse
// (https://learn.microsoft.com/power-apps/developer/data-platform/reference/entities/phonecall,
// https://learn.microsoft.com/power-apps/developer/data-platform/webapi/overview).
//
// # Guarantee
//
// Exactly once: a phone call has a UUID that is made of our ID of the note
// (RFC 9562 5.5), and so have tasks and leads. A row is created under its ID only
// if it is not there, so that an attempt whose outcome is unknown is simply made
// again. A phone call that somebody deletes is created again by the next
// revision.
//
// # Steps
//
// A phone call that is completed can't be changed, and none is created
// completed. So it is created open and completed then; a later revision reopens
// it, changes it and completes it. In between, for as long as that takes or an
// attempt fails, it shows as open.
//
// # Answers
//
// Those of package [earshot/crm/rest], and
//
//	412                  the row is there already
//	404 for a phone call whose contact is bound
//	                     the contact is gone: the phone call stays without one
package dynamics
