-- Times are microseconds since 1970 (UTC). A column "doc" is the domain
-- object as JSON; the other columns of its row are what is asked for.
-- There are no foreign keys: whoever commits owns the call, and a row without
-- its call costs nothing, while a refused one would cost words.

CREATE TABLE calls (
	id                  TEXT PRIMARY KEY,
	state               TEXT NOT NULL,
	started_at          INTEGER NOT NULL,
	ended_at            INTEGER,
	transcript_complete INTEGER NOT NULL,
	doc                 TEXT NOT NULL
);
CREATE INDEX calls_newest ON calls (started_at, id);
CREATE INDEX calls_live ON calls (started_at, id) WHERE state = 'live';
CREATE INDEX calls_open ON calls (started_at, id) WHERE transcript_complete = 0;
CREATE INDEX calls_ended ON calls (ended_at);

-- Which call a stream belongs to: a watermark knows only its stream.
CREATE TABLE streams (
	id      TEXT PRIMARY KEY,
	call_id TEXT NOT NULL
);
CREATE INDEX streams_call ON streams (call_id);

CREATE TABLE watermarks (
	stream_id TEXT PRIMARY KEY,
	position  INTEGER NOT NULL,
	finals    INTEGER NOT NULL,
	completed INTEGER NOT NULL
) WITHOUT ROWID;

-- n rises with insertion and is the row of the search index, so that the
-- newest matches are found without sorting.
CREATE TABLE utterances (
	n              INTEGER PRIMARY KEY,
	id             TEXT NOT NULL UNIQUE,
	call_id        TEXT NOT NULL,
	stream_id      TEXT NOT NULL,
	participant_id TEXT NOT NULL,
	role           TEXT NOT NULL,
	start_ms       INTEGER NOT NULL,
	end_ms         INTEGER NOT NULL,
	text           TEXT NOT NULL,
	confidence     REAL NOT NULL,
	late           INTEGER NOT NULL,
	revision       INTEGER NOT NULL,
	pos_from       INTEGER NOT NULL,
	pos_to         INTEGER NOT NULL
);
CREATE INDEX utterances_call ON utterances (call_id, start_ms, n);

CREATE TABLE utterance_history (
	id             TEXT NOT NULL,
	call_id        TEXT NOT NULL,
	stream_id      TEXT NOT NULL,
	participant_id TEXT NOT NULL,
	role           TEXT NOT NULL,
	start_ms       INTEGER NOT NULL,
	end_ms         INTEGER NOT NULL,
	text           TEXT NOT NULL,
	confidence     REAL NOT NULL,
	late           INTEGER NOT NULL,
	revision       INTEGER NOT NULL,
	pos_from       INTEGER NOT NULL,
	pos_to         INTEGER NOT NULL,
	PRIMARY KEY (id, revision)
) WITHOUT ROWID;

CREATE VIRTUAL TABLE utterances_fts USING fts5 (
	text,
	content = 'utterances', content_rowid = 'n',
	tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);

CREATE TRIGGER utterances_inserted AFTER INSERT ON utterances BEGIN
	INSERT INTO utterances_fts (rowid, text) VALUES (new.n, new.text);
END;
CREATE TRIGGER utterances_revised AFTER UPDATE ON utterances BEGIN
	INSERT INTO utterance_history VALUES (old.id, old.call_id, old.stream_id, old.participant_id, old.role,
		old.start_ms, old.end_ms, old.text, old.confidence, old.late, old.revision, old.pos_from, old.pos_to);
	INSERT INTO utterances_fts (utterances_fts, rowid, text) VALUES ('delete', old.n, old.text);
	INSERT INTO utterances_fts (rowid, text) VALUES (new.n, new.text);
END;

CREATE TABLE suggestions (
	n       INTEGER PRIMARY KEY,
	id      TEXT NOT NULL UNIQUE,
	call_id TEXT NOT NULL,
	at_ms   INTEGER NOT NULL,
	doc     TEXT NOT NULL
);
CREATE INDEX suggestions_call ON suggestions (call_id, at_ms, n);

CREATE TABLE summaries (
	call_id  TEXT NOT NULL,
	revision INTEGER NOT NULL,
	doc      TEXT NOT NULL,
	PRIMARY KEY (call_id, revision)
);

CREATE TABLE deliveries (
	note_id  TEXT NOT NULL,
	revision INTEGER NOT NULL,
	call_id  TEXT NOT NULL,
	state    TEXT NOT NULL,
	doc      TEXT NOT NULL,
	PRIMARY KEY (note_id, revision)
);
CREATE INDEX deliveries_call ON deliveries (call_id);

CREATE TABLE jobs (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	kind       TEXT NOT NULL,
	key        TEXT NOT NULL,
	call_id    TEXT NOT NULL,
	lane       TEXT NOT NULL,
	payload    TEXT,
	state      TEXT NOT NULL,
	attempts   INTEGER NOT NULL,
	run_at     INTEGER NOT NULL,
	last_error TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	done_at    INTEGER,
	UNIQUE (kind, key)
);
CREATE INDEX jobs_pending ON jobs (lane, id, run_at) WHERE state = 'pending';
CREATE INDEX jobs_state ON jobs (state, id);
CREATE INDEX jobs_done ON jobs (done_at) WHERE state = 'done';

CREATE TABLE dialogs (
	id         TEXT PRIMARY KEY,
	call_id    TEXT NOT NULL,
	segment_id TEXT NOT NULL,
	state      BLOB
);

CREATE TABLE events (
	seq       INTEGER PRIMARY KEY AUTOINCREMENT,
	id        TEXT NOT NULL UNIQUE,
	type      TEXT NOT NULL,
	call_id   TEXT NOT NULL,
	at        INTEGER NOT NULL,
	data      TEXT NOT NULL,
	published INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX events_call ON events (call_id, seq);
CREATE INDEX events_at ON events (at);
CREATE INDEX events_unpublished ON events (seq) WHERE published = 0;

CREATE TABLE passages (
	n       INTEGER PRIMARY KEY,
	id      TEXT NOT NULL,
	article TEXT NOT NULL,
	heading TEXT NOT NULL,
	text    TEXT NOT NULL
);
CREATE INDEX passages_article ON passages (article);

CREATE VIRTUAL TABLE passages_fts USING fts5 (
	heading, text,
	content = 'passages', content_rowid = 'n',
	tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE TRIGGER passages_inserted AFTER INSERT ON passages BEGIN
	INSERT INTO passages_fts (rowid, heading, text) VALUES (new.n, new.heading, new.text);
END;
CREATE TRIGGER passages_deleted AFTER DELETE ON passages BEGIN
	INSERT INTO passages_fts (passages_fts, rowid, heading, text) VALUES ('delete', old.n, old.heading, old.text);
END;
