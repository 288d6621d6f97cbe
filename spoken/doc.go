// Package spoken reads recognised speech: text whose case and punctuation may
// be wrong and whose numbers may be words, digits or letters said one by one.
// It cuts text into words, reads numbers, codes ("A B four five double one")
// and ordinals, and brings two ways of saying the same to one form.
//
// It is a leaf: it imports only the standard library, has no state, and all of
// its functions are safe for concurrent use. Like the root package it may be
// imported by any other package that reads what people said.
package spoken
