// Package siprec is the recording server's signalling (RFC 7866): it answers
// the recording clients, reads their SDP and metadata, and keeps the dialogs,
// which it stores so that they outlive the process. It also is the recording
// client that test calls are placed with. Media is not its business.
package siprec
