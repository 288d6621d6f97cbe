// Package storetest is the contract of Earshot's stores as tests: each store
// passes them all, so that one can take the place of another.
package storetest

import (
	"context"
	"testing"
	"time"

	"earshot"
	"earshot/store"
)

// Store is what a store offers.
type Store interface {
	Close() error
	OnCommit(f func([]earshot.Event))
	Apply(ctx context.Context, c earshot.Commit) ([]earshot.Event, error)

	Call(ctx context.Context, id earshot.CallID) (earshot.Call, error)
	Calls(ctx context.Context, q store.CallQuery) (list []earshot.Call, next string, err error)
	LiveCalls(ctx context.Context) ([]earshot.Call, error)
	OpenTranscripts(ctx context.Context) ([]earshot.Call, error)
	EndedSince(ctx context.Context, t time.Time) ([]earshot.Call, error)
	Dialogs(ctx context.Context) ([]earshot.Dialog, error)
	Metadata(ctx context.Context, id earshot.CallID) ([]earshot.SegmentMetadata, error)
	SIPMessages(ctx context.Context, id earshot.CallID) ([]earshot.SIPMessage, error)

	Utterances(ctx context.Context, id earshot.CallID) ([]earshot.Utterance, error)
	EarlierTranscript(ctx context.Context, id earshot.CallID, revision int) ([]earshot.Utterance, error)
	History(ctx context.Context, id earshot.UtteranceID) ([]earshot.Utterance, error)
	Watermarks(ctx context.Context, id earshot.CallID) ([]earshot.Watermark, error)
	Suggestions(ctx context.Context, id earshot.CallID) ([]earshot.Suggestion, error)
	FeedbackCounts(ctx context.Context) ([]earshot.FeedbackCount, error)
	Summary(ctx context.Context, id earshot.CallID) (*earshot.Summary, error)
	SummaryRevision(ctx context.Context, id earshot.CallID, revision int) (earshot.Summary, error)
	Deliveries(ctx context.Context, id earshot.CallID) ([]earshot.Delivery, error)
	Delivery(ctx context.Context, id earshot.NoteID, revision int) (earshot.Delivery, error)
	Search(ctx context.Context, q store.SearchQuery) (hits []store.SearchHit, next string, err error)

	EventsAfter(ctx context.Context, seq int64, call earshot.CallID, limit int) ([]earshot.Event, error)
	LastSeq(ctx context.Context) (int64, error)
	Unpublished(ctx context.Context, seq int64, limit int) ([]earshot.Event, error)
	MarkPublished(ctx context.Context, seqs []int64) error
	Republish(ctx context.Context, since time.Time) error

	LastJob(ctx context.Context, kind earshot.JobKind, prefix string) (earshot.Job, error)
	DueJobs(ctx context.Context, now time.Time, limit int, busyLanes []string) ([]earshot.Job, error)
	Jobs(ctx context.Context, state earshot.JobState, limit int) ([]earshot.Job, error)
	RetryJob(ctx context.Context, id int64, runAt time.Time, msg string) error
	KillJob(ctx context.Context, id int64, msg string) error
	ReplayJob(ctx context.Context, id int64) error
	ReplayDead(ctx context.Context) (int, error)
	ReplayNotes(ctx context.Context, call earshot.CallID) (int, error)

	ReplacePassages(ctx context.Context, article string, list []earshot.Passage) error
	RemovePassages(ctx context.Context, article string) error
	SearchPassages(ctx context.Context, query string, n int) ([]earshot.Passage, error)

	Figures(ctx context.Context, q earshot.FiguresQuery) (earshot.DaysFigures, error)

	Directory(ctx context.Context) (earshot.Directory, error)
	DirectoryRevision(ctx context.Context) (int64, error)
	SaveDirectory(ctx context.Context, d earshot.Directory, replace bool) error

	Accounts(ctx context.Context) ([]earshot.Account, error)
	Account(ctx context.Context, id string) (earshot.Account, error)
	AccountOf(ctx context.Context, login string) (earshot.Account, error)
	AccountOfSubject(ctx context.Context, subject string) (earshot.Account, error)
	SaveAccount(ctx context.Context, a earshot.Account) error
	SaveSession(ctx context.Context, v earshot.Session) error
	Session(ctx context.Context, hash []byte) (earshot.Session, error)
	EndSession(ctx context.Context, hash []byte) error
	SaveToken(ctx context.Context, v earshot.Token) error
	TokenOf(ctx context.Context, hash []byte) (earshot.Token, error)
	Tokens(ctx context.Context, account string) ([]earshot.Token, error)
	RevokeToken(ctx context.Context, account, id string) error
	Audit(ctx context.Context, e earshot.AuditEntry) error
	AuditTrail(ctx context.Context, call earshot.CallID, limit int, before string) ([]earshot.AuditEntry, string, error)
}

// Run runs the contract. Each call of open returns an empty store, which the
// test's cleanup closes.
func Run(t *testing.T, open func(t *testing.T) Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Store)
	}{
		{"CallComesBackWhole", testCallComesBackWhole},
		{"CallInJSON", testCallInJSON},
		{"CallIsReplaced", testCallIsReplaced},
		{"CallsAreNewestFirst", testCallsAreNewestFirst},
		{"CallsByState", testCallsByState},
		{"CallsByTag", testCallsByTag},
		{"Metadata", testMetadata},
		{"UnknownIsNotFound", testUnknownIsNotFound},
		{"BadCursor", testBadCursor},
		{"Dialogs", testDialogs},
		{"Ladder", testLadder},
		{"LadderIsBounded", testLadderIsBounded},
		{"BadCommitLeavesNothing", testBadCommitLeavesNothing},
		{"Utterances", testUtterances},
		{"UtteranceRevisions", testUtteranceRevisions},
		{"TranscriptReplaced", testTranscriptReplaced},
		{"LastJob", testLastJob},
		{"SpanRedoneDoublesNothing", testSpanRedone},
		{"WatermarkNeverGoesBack", testWatermarks},
		{"Suggestions", testSuggestions},
		{"Feedback", testFeedback},
		{"Figures", testFigures},
		{"SummaryHighestRevisionCounts", testSummaries},
		{"SummaryFollows", testSummaryFollows},
		{"Matches", testMatches},
		{"Deliveries", testDeliveries},
		{"EventsInOneSequence", testEvents},
		{"OnCommitInOrder", testOnCommit},
		{"Outbox", testOutbox},
		{"JobsAreUnique", testJobsAreUnique},
		{"JobLanes", testJobLanes},
		{"JobAttempts", testJobAttempts},
		{"JobReplay", testJobReplay},
		{"SearchWords", testSearchWords},
		{"SearchAsSaid", testSearchAsSaid},
		{"SearchFilters", testSearchFilters},
		{"SearchFacetsLater", testSearchFacetsLater},
		{"SearchDays", testSearchDays},
		{"SearchFacetsAreNoText", testSearchFacetsAreNoText},
		{"SearchPages", testSearchPages},
		{"SearchRanked", testSearchRanked},
		{"SearchRevision", testSearchRevision},
		{"SearchSnippet", testSearchSnippet},
		{"SearchTakesAnyText", testSearchTakesAnyText},
		{"Passages", testPassages},
		{"PassageScore", testPassageScore},
		{"Directory", testDirectory},
		{"DirectoryRefusesWhole", testDirectoryRefusesWhole},
		{"Accounts", testAccounts},
		{"Sessions", testSessions},
		{"Tokens", testTokens},
		{"AuditTrail", testAuditTrail},
		{"Audience", testAudience},
		{"ManyAtOnce", testManyAtOnce},
		{"CanceledBeforeItBegan", testCanceled},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}
