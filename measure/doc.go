// Package measure counts how a conversation went: who talked how much and how
// fast, who interrupted whom, silence, hold and how the parties sounded.
//
// It needs nothing but the final utterances and the marks of a call, so it can
// be asked at any moment, of a live call too.
package measure
