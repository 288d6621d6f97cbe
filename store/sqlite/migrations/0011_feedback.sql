-- What agents made of suggestions. Rule and article are those of the suggestion.

CREATE TABLE feedback (
	suggestion_id TEXT PRIMARY KEY,
	call_id       TEXT NOT NULL,
	rule          TEXT NOT NULL,
	article       TEXT NOT NULL,
	verdict       TEXT NOT NULL,
	doc           TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX feedback_counts ON feedback (rule, article, verdict);
