// Package calls owns the life of a call, from the recording session that
// opens it to the settled record. It is where signalling, media and
// recognition meet: the SIP side offers sessions, media streams are opened
// for them, the recogniser's utterances get their speaker and their place in
// the call. Everything it decides becomes true by a commit to the store.
//
// A call is live while one of its segments (recording sessions) is; then it
// wraps up, and a new session of the same group (RFC 7865 6.2) within the
// wrap-up is stitched to it as a further segment; then it settles.
package calls
