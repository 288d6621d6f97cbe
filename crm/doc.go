// Package crm brings the notes of calls into other systems.
//
// A [Notes] job composes a note, stores the intent to deliver it (a
// [earshot.Delivery] with our own key) and a [Deliveries] job that makes the
// attempts. A change to the summary makes another revision of the same note;
// one that changes nothing in the note makes none.
//
// # States of a delivery
//
// pending: not attempted. confirmed: the receiver has it. failed: the last
// attempt certainly did not bring it there. unknown: an attempt may have
// brought it there, be it that the answer was lost or that this process died
// during the attempt; the state is stored before each attempt. Once unknown, a
// delivery stays so until it is confirmed: a connector whose system can be
// asked looks it up first, the others send it again under the same key.
//
// Revisions of a note are attempted one after another. A revision that was not
// confirmed before a newer one was is given up as superseded. A receiver that
// sees revisions out of order, which takes a lost answer, keeps the highest.
package crm
