-- What was heard before it was made readable, the times of words, the language,
-- and whether the next utterance goes on with the sentence.

ALTER TABLE utterances ADD COLUMN raw TEXT NOT NULL DEFAULT '';
ALTER TABLE utterances ADD COLUMN words TEXT NOT NULL DEFAULT 'null';
ALTER TABLE utterances ADD COLUMN language TEXT NOT NULL DEFAULT '';
ALTER TABLE utterances ADD COLUMN continues INTEGER NOT NULL DEFAULT 0;
ALTER TABLE utterance_history ADD COLUMN raw TEXT NOT NULL DEFAULT '';
ALTER TABLE utterance_history ADD COLUMN words TEXT NOT NULL DEFAULT 'null';
ALTER TABLE utterance_history ADD COLUMN language TEXT NOT NULL DEFAULT '';
ALTER TABLE utterance_history ADD COLUMN continues INTEGER NOT NULL DEFAULT 0;

DROP TRIGGER utterances_revised;
CREATE TRIGGER utterances_revised AFTER UPDATE ON utterances BEGIN
	INSERT INTO utterance_history VALUES (old.id, old.call_id, old.stream_id, old.participant_id, old.role,
		old.start_ms, old.end_ms, old.text, old.confidence, old.late, old.revision, old.pos_from, old.pos_to,
		old.raw, old.words, old.language, old.continues);
	INSERT INTO utterances_fts (utterances_fts, rowid, text) VALUES ('delete', old.n, old.text);
	INSERT INTO utterances_fts (rowid, text) VALUES (new.n, new.text);
END;
