// Package earshot holds the words every part of the server shares: calls and
// their segments, participants and streams, utterances, suggestions,
// summaries and notes, the negotiation of media, the events, the jobs and
// the [Commit] that makes them true. It imports only the standard library;
// every other package may import it, and no two other packages need to know
// of each other because of it.
package earshot
