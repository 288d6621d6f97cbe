// Package assist answers what a customer just said while the agent can still
// use it: cards, checklist items, alerts, tags and fields from a playbook, and answers
// from a folder of knowledge articles with the passage they stand on.
//
// It works on recognised speech: phrases match over inflection, small gaps and
// a misheard letter, numbers match in words and in digits. It needs no language
// model; with one, the model words the answer, and nothing it says is shown
// that the cited passage does not bear out.
package assist
