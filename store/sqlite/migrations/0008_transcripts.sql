-- The utterances of a transcript that was made anew stay as its earlier
-- revision, also those that the new one has nothing in the place of.

CREATE TRIGGER utterances_replaced AFTER DELETE ON utterances BEGIN
	INSERT INTO utterance_history VALUES (old.id, old.call_id, old.stream_id, old.participant_id, old.role,
		old.start_ms, old.end_ms, old.text, old.confidence, old.late, old.revision, old.pos_from, old.pos_to,
		old.raw, old.words, old.language, old.continues);
	INSERT INTO utterances_fts (utterances_fts, rowid, text, raw) VALUES ('delete', old.n, old.text, old.raw);
END;
CREATE INDEX utterance_history_call ON utterance_history (call_id, revision, start_ms);
