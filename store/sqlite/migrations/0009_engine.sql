-- Which speech engine heard an utterance; empty in what was stored before.

ALTER TABLE utterances ADD COLUMN engine TEXT NOT NULL DEFAULT '';
ALTER TABLE utterance_history ADD COLUMN engine TEXT NOT NULL DEFAULT '';

DROP TRIGGER utterances_revised;
DROP TRIGGER utterances_replaced;
CREATE TRIGGER utterances_revised AFTER UPDATE ON utterances BEGIN
	INSERT INTO utterance_history VALUES (old.id, old.call_id, old.stream_id, old.participant_id, old.role,
		old.start_ms, old.end_ms, old.text, old.confidence, old.late, old.revision, old.pos_from, old.pos_to,
		old.raw, old.words, old.language, old.continues, old.engine);
	INSERT INTO utterances_fts (utterances_fts, rowid, text, raw) VALUES ('delete', old.n, old.text, old.raw);
	INSERT INTO utterances_fts (rowid, text, raw) VALUES (new.n, new.text, new.raw);
END;
CREATE TRIGGER utterances_replaced AFTER DELETE ON utterances BEGIN
	INSERT INTO utterance_history VALUES (old.id, old.call_id, old.stream_id, old.participant_id, old.role,
		old.start_ms, old.end_ms, old.text, old.confidence, old.late, old.revision, old.pos_from, old.pos_to,
		old.raw, old.words, old.language, old.continues, old.engine);
	INSERT INTO utterances_fts (utterances_fts, rowid, text, raw) VALUES ('delete', old.n, old.text, old.raw);
END;
