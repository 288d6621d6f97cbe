-- What calls are tagged with, and the recording metadata of each session.

CREATE TABLE call_tags (
	tag     TEXT NOT NULL,
	call_id TEXT NOT NULL,
	PRIMARY KEY (tag, call_id)
) WITHOUT ROWID;
INSERT INTO call_tags SELECT DISTINCT t.value, c.id FROM calls c, json_each(c.doc, '$.tags') t;

CREATE TABLE metadata (
	segment_id TEXT PRIMARY KEY,
	call_id    TEXT NOT NULL,
	doc        TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX metadata_call ON metadata (call_id, segment_id);
