-- What a search can be restricted to is in the search index as words, so that
-- the index skips to the utterances that have both the words and the facets,
-- instead of looking at the call of each that has the words. A facet's word
-- begins with three private-use characters, which nobody says, so that all of
-- them share one entry of the indexes of beginnings; values are in hexadecimal,
-- so that each is one word.

CREATE INDEX call_tags_call ON call_tags (call_id, tag);

ALTER TABLE calls ADD COLUMN facets TEXT NOT NULL DEFAULT '';

-- What calls.facets must be: direction, year, month and day of the start (UTC),
-- the minutes that it took at least, tags, agents and teams.
CREATE VIEW call_facets AS SELECT c.id, (
	SELECT group_concat(char(57344, 57344, 57344) || word, ' ') FROM (
		SELECT 'd' || hex(c.doc ->> 'direction') AS word
		UNION ALL SELECT 'y' || strftime('%Y', c.started_at / 1000000, 'unixepoch')
		UNION ALL SELECT 'm' || strftime('%Y%m', c.started_at / 1000000, 'unixepoch')
		UNION ALL SELECT 'k' || strftime('%Y%m%d', c.started_at / 1000000, 'unixepoch')
		UNION ALL SELECT 'l' || value FROM json_each('[5,10,20,30,60,120]')
			WHERE c.ended_at - c.started_at >= value * 60000000
		UNION ALL SELECT 't' || hex(tag) FROM call_tags WHERE call_id = c.id
		UNION ALL SELECT DISTINCT 'a' || hex(agent_id) FROM call_agents WHERE call_id = c.id AND agent_id <> ''
		UNION ALL SELECT DISTINCT 'g' || hex(team) FROM call_agents WHERE call_id = c.id AND team <> ''
		ORDER BY word
	)
) AS facets FROM calls c;

UPDATE calls SET facets = (SELECT f.facets FROM call_facets f WHERE f.id = calls.id);

DROP TRIGGER utterances_inserted;
DROP TRIGGER utterances_revised;
DROP TRIGGER utterances_replaced;
DROP TABLE utterances_fts;

-- What the index is made of. The role and the call are the utterance's own, which
-- may be there before its call.
CREATE VIEW searched AS SELECT n, text, raw, coalesce((SELECT c.facets FROM calls c WHERE c.id = call_id), '')
	|| ' ' || char(57344, 57344, 57344) || 'r' || hex(role) || ' ' || char(57344, 57344, 57344) || 'c' || hex(call_id) AS facets FROM utterances;

CREATE VIRTUAL TABLE utterances_fts USING fts5 (
	text, raw, facets,
	content = 'searched', content_rowid = 'n',
	tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
INSERT INTO utterances_fts (utterances_fts) VALUES ('rebuild');

CREATE TRIGGER utterances_inserted AFTER INSERT ON utterances BEGIN
	INSERT INTO utterances_fts (rowid, text, raw, facets) SELECT n, text, raw, facets FROM searched WHERE n = new.n;
END;
CREATE TRIGGER utterances_revised AFTER UPDATE ON utterances BEGIN
	INSERT INTO utterance_history VALUES (old.id, old.call_id, old.stream_id, old.participant_id, old.role,
		old.start_ms, old.end_ms, old.text, old.confidence, old.late, old.revision, old.pos_from, old.pos_to,
		old.raw, old.words, old.language, old.continues, old.engine);
	INSERT INTO utterances_fts (utterances_fts, rowid, text, raw, facets) VALUES ('delete', old.n, old.text, old.raw,
		coalesce((SELECT c.facets FROM calls c WHERE c.id = old.call_id), '')
		|| ' ' || char(57344, 57344, 57344) || 'r' || hex(old.role) || ' ' || char(57344, 57344, 57344) || 'c' || hex(old.call_id));
	INSERT INTO utterances_fts (rowid, text, raw, facets) SELECT n, text, raw, facets FROM searched WHERE n = new.n;
END;
CREATE TRIGGER utterances_replaced AFTER DELETE ON utterances BEGIN
	INSERT INTO utterance_history VALUES (old.id, old.call_id, old.stream_id, old.participant_id, old.role,
		old.start_ms, old.end_ms, old.text, old.confidence, old.late, old.revision, old.pos_from, old.pos_to,
		old.raw, old.words, old.language, old.continues, old.engine);
	INSERT INTO utterances_fts (utterances_fts, rowid, text, raw, facets) VALUES ('delete', old.n, old.text, old.raw,
		coalesce((SELECT c.facets FROM calls c WHERE c.id = old.call_id), '')
		|| ' ' || char(57344, 57344, 57344) || 'r' || hex(old.role) || ' ' || char(57344, 57344, 57344) || 'c' || hex(old.call_id));
END;
-- Most facets are known before the first word. Whichever comes later is
-- written to all utterances of the call.
CREATE TRIGGER calls_facets AFTER UPDATE OF facets ON calls WHEN old.facets <> new.facets BEGIN
	INSERT INTO utterances_fts (utterances_fts, rowid, text, raw, facets) SELECT 'delete', n, text, raw, old.facets
		|| ' ' || char(57344, 57344, 57344) || 'r' || hex(role) || ' ' || char(57344, 57344, 57344) || 'c' || hex(call_id) FROM utterances WHERE call_id = old.id;
	INSERT INTO utterances_fts (rowid, text, raw, facets) SELECT n, text, raw, new.facets
		|| ' ' || char(57344, 57344, 57344) || 'r' || hex(role) || ' ' || char(57344, 57344, 57344) || 'c' || hex(call_id) FROM utterances WHERE call_id = new.id;
END;
