// Package rt writes notes into Request Tracker 5 over REST 2
// (https://docs.bestpractical.com/rt/5.0.3/RT/REST2.html).
//
// A note is a comment on a ticket of the caller: the newest active one in the
// queue that has the caller as its requestor, else a new one. A caller whom
// nobody knows gets a new ticket without a requestor. Comments cannot be changed:
// a later revision is a further comment on the same ticket that says what it
// replaces, and counts no time again. Follow-up tasks are tickets of their own
// that refer to it.
//
// # Custom fields
//
//	PhoneE164  on users: the number that callers are found by
//	CallID     on transactions: the key of the note's revision
//	CallID     on tickets: the call, or the task, that the ticket was made for
//
// # Guarantee
//
// Once. Before a note that may be there is written again it is looked up by
// CallID, without a lag: a comment carries it from the moment it exists. Without
// the field on transactions a lost answer makes a second comment; Test says so.
//
// # What REST 2 does
//
// A condition on a field that it does not know, or that is not public, is
// ignored, and everybody is found: what comes back is compared with the number
// again. The telephone numbers of users are such fields; they are asked for by
// way of the tickets that a user requested. A new ticket with a requestor runs
// the scrips of the queue, of which one mails the requestor as RT is delivered.
package rt
