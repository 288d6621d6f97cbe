// Package store holds the words that every store of Earshot's truth shares:
// the queries, what a search finds, and what a commit must be like. The
// stores themselves are in the folders below; storetest is the contract that
// all of them pass.
package store

import (
	"errors"
	"time"

	"earshot"
)

// Errors that callers branch on.
var (
	// ErrCursor says that a Before was not made by the same query (HTTP 400).
	ErrCursor = errors.New("malformed cursor")
	// ErrClosed says that the store was closed before the write began.
	ErrClosed = errors.New("store is closed")
	// ErrReadOnly says that the store was opened for reading.
	ErrReadOnly = errors.New("store is open for reading only")
)

// How many rows a query returns.
const (
	DefaultLimit = 50   // when the query's Limit is 0 or less
	MaxLimit     = 1000 // at the most
)

// How many SIP messages of a recording session are kept: those that began it,
// and the newest.
const (
	FirstSIPMessages  = 160
	NewestSIPMessages = 40
)

// Limit returns how many rows a query that asks for n gets.
func Limit(n int) int {
	if n <= 0 {
		return DefaultLimit
	}
	return min(n, MaxLimit)
}

// CallQuery asks for calls, newest first.
type CallQuery struct {
	// State is "live", "ended" (all but live) or "" for both.
	State string
	// Tag restricts it to calls with this tag unless empty.
	Tag string
	// Audience restricts it to the calls that somebody may see.
	Audience earshot.Audience
	Limit    int
	// Before is the cursor of the page before, "" for the first page.
	Before string
}

// SearchQuery asks for final utterances by their words.
type SearchQuery struct {
	// Text is what a user typed: words that must all occur, in any case and
	// order; "a phrase"; a beginning* of at least two letters. Without a word in it nothing is found.
	Text string
	// CallID and Role restrict the search unless empty.
	CallID earshot.CallID
	Role   earshot.Role
	// From and To are when the call began, To itself left out; zero: any time.
	From, To time.Time
	// Direction, Tag and AgentID of the directory are the call's, unless empty.
	Direction earshot.Direction
	Tag       string
	AgentID   string
	// Longer is how long the call took at least; 0: any, also one that goes on.
	Longer time.Duration
	// Audience restricts it to the calls that somebody may see.
	Audience earshot.Audience
	// Rank puts the best match first, among the newest [RankWindow] matches;
	// else the newest is first.
	Rank  bool
	Limit int
	// Before is the cursor of the page before, "" for the first page.
	Before string
}

// RankWindow is how many of the newest matches a ranked search looks at.
const RankWindow = 5000

// The marks around each matching word of a snippet. They are control
// characters, so that the snippet can be escaped first and marked up then.
const (
	MarkStart = "\x02"
	MarkEnd   = "\x03"
)

// SearchHit is one utterance found.
type SearchHit struct {
	Utterance earshot.Utterance `json:"utterance"`
	// Snippet is the part of the text around the words, with MarkStart and
	// MarkEnd around each of them and "…" where text was left out.
	Snippet       string    `json:"snippet"`
	CallStartedAt time.Time `json:"call_started_at"`
	// Speaker is the participant's name, "" when unknown.
	Speaker string `json:"speaker"`
}
