// Package token keeps access tokens of OAuth 2.0 (RFC 6749) that connectors sign
// in with: asked for when the first request needs one, replaced before they run
// out, and once more when the system refuses one that should be good.
//
// # Grants
//
// Client credentials (RFC 6749 4.4), a refresh token (RFC 6749 6) and a JWT that
// is signed with RS256 (RFC 7523 2.1).
//
// # What is stored
//
// A system may replace the refresh token with each answer; the one before is
// void then. The newest is stored before the access token that came with it is
// used, in a file of its own per connector, with AES-256-GCM under a key that is
// made with the first. Both files are readable by their owner only. Another
// refresh token in the settings takes the place of the stored one. When the
// process dies between the system's answer and the file, the refresh token is
// lost where the system voids the one before at once; somebody signs in anew.
package token
