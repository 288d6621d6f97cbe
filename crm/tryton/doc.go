// Package tryton writes notes into Tryton 6 over JSON-RPC
// (https://docs.tryton.org/projects/server/en/6.0/topics/rpc.html): a note of
// the party who called, which later revisions change in place.
//
// Callers are found by the contact mechanisms of active parties (module party),
// by the digits in their value. A call of nobody, or of one of several, goes to a
// party that stands for them all, and stays where somebody moves it.
//
// # Guarantee
//
// Once. The last line of a note names it ("Earshot: " and our ID); an attempt
// of unknown outcome is looked up by that line, without a lag. A double, after
// somebody took the line out, is two notes about one call.
//
// # What JSON-RPC does
//
// An error comes with status 200. Its kind is the first item of a list; the
// rest is text that repeats what was sent, and is left out of our errors. The
// first item of one that Tryton did not foresee, such as a database that is
// locked, is a text too: its outcome is unknown. A session
// that is over answers 401: one signs in again. National numbers are refused for
// mechanisms of the types phone and mobile where python3-phonenumbers is
// installed.
package tryton
