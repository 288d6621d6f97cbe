// Package llm asks a language model behind an OpenAI-compatible endpoint for
// one JSON answer at a time. It bounds time, size, attempts and, per call,
// tokens; it checks the answer against the schema before anyone sees it; and
// its errors and logs never hold the key, a prompt or an answer.
package llm
