// Package pipedrive writes the notes of calls into Pipedrive as activities of the
// type call that are done (https://developers.pipedrive.com/docs/api/v1/Activities,
// API v2), each with a call log (.../CallLogs), its recording where wanted, and
// activities of the type task for what was promised. Times are in UTC.
//
// A call log cannot be changed; it is made once, of the activity, and holds what
// does not change: numbers, times and outcome. It needs to know who was called:
// without that number there is the activity alone. Later revisions change the
// activity.
//
// # Guarantee
//
// Once, by look-before-write. The last line of an activity's note names the note
// of the call; an attempt of unknown outcome reads the activities that were
// changed since the call began, from the list, which is the database and does
// not lag as the search does. A double, after somebody took the line out, is two
// activities of the same beginning.
//
// # Answers
//
// Those of package [earshot/crm/rest], and
//
//	404 to a change of an activity   somebody removed it: it is made again
//	409 to a recording               there is one already
package pipedrive
