// Package rest makes the HTTP requests of connectors and says what their
// outcome means for a note.
//
// Redirects are not followed, answers are read up to a size, and every attempt
// has a time. Credentials go to https alone, or to loopback. Errors name the
// system, the status and the system's own code, never the URL, what was sent or
// what was said of it, which often repeats it.
//
// # Answers
//
//	2xx                  fine; a page, as in maintenance, and JSON that can't be
//	                     read: transient, unknown for a write
//	410                  earshot.ErrGone, permanent
//	401                  once more if there are other credentials, else permanent
//	408, 409, 423, 425, 429, 503
//	                     transient: it was not done
//	other 5xx            transient; unknown for a write, it may have been done
//	3xx, other 4xx       permanent, unless the system's code says it passes
//
// A Retry-After (RFC 9110 10.2.3) on what is transient becomes an
// [earshot.RetryAfterError].
package rest
