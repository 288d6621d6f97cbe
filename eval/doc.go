// Command eval measures what is derived of calls on scripted ones: facts,
// actions, dispositions and suggestions, against what a person notes of them.
//
// The calls of calls/tuning were looked at while the rules were written, those
// of calls/held_out were not. With -recognised the calls are also spoken and
// recognised, and measured on the words that were heard.
package main
