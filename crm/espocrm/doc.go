// Package espocrm writes the notes of calls into EspoCRM (8 and later) as calls
// that were held, with follow-up tasks
// (https://docs.espocrm.com/development/api/).
//
// # Guarantee
//
// Once, by look-before-write. The last line of the description names the note;
// an attempt of unknown outcome asks for the calls that began at that second and
// have the line, in the database itself, which does not lag. A double, after
// somebody took the line out, is two calls of the same beginning.
//
// # Answers
//
// Those of package [earshot/crm/rest], and
//
//	404 to a change of a call   somebody removed it: it is made again
package espocrm
