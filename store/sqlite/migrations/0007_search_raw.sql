-- What is searched is also how it was said: "twenty five dollars" where the
-- text has "$25". Where both are the same raw is empty.

DROP TRIGGER utterances_inserted;
DROP TRIGGER utterances_revised;
DROP TABLE utterances_fts;

CREATE VIRTUAL TABLE utterances_fts USING fts5 (
	text, raw,
	content = 'utterances', content_rowid = 'n',
	tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
INSERT INTO utterances_fts (utterances_fts) VALUES ('rebuild');

CREATE TRIGGER utterances_inserted AFTER INSERT ON utterances BEGIN
	INSERT INTO utterances_fts (rowid, text, raw) VALUES (new.n, new.text, new.raw);
END;
CREATE TRIGGER utterances_revised AFTER UPDATE ON utterances BEGIN
	INSERT INTO utterance_history VALUES (old.id, old.call_id, old.stream_id, old.participant_id, old.role,
		old.start_ms, old.end_ms, old.text, old.confidence, old.late, old.revision, old.pos_from, old.pos_to,
		old.raw, old.words, old.language, old.continues);
	INSERT INTO utterances_fts (utterances_fts, rowid, text, raw) VALUES ('delete', old.n, old.text, old.raw);
	INSERT INTO utterances_fts (rowid, text, raw) VALUES (new.n, new.text, new.raw);
END;
