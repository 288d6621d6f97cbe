// Package summarize writes what is left of a call: the reason for it, the facts
// said in it and the actions promised.
//
// It reads recognised speech by rules that know how people talk, not any
// particular call: numbers in words, digits or letters said one by one,
// punctuation and case that may be wrong. With a language model the model
// writes the summary instead, and only what the transcript bears out is kept;
// when the model fails, the rules' summary stands and says why.
package summarize
