-- What analytics counts of each call, one narrow row a call, kept by triggers:
-- a range of days is then one walk along an index, over numbers only. Ready-made
-- sums of days would be faster still, but whose day it is depends on where the
-- reader is, and which calls count on what the reader may see.

CREATE TABLE call_figures (
	call_id      TEXT PRIMARY KEY,
	started_at   INTEGER, -- NULL before the call itself is there
	direction    TEXT NOT NULL DEFAULT '',
	handled_ms   INTEGER, -- NULL while it goes on
	mood         INTEGER, -- -1, 0 or 1; NULL where no word tells
	outcome      TEXT NOT NULL DEFAULT '',
	suggested    INTEGER NOT NULL DEFAULT 0,
	used         INTEGER NOT NULL DEFAULT 0,
	dismissed    INTEGER NOT NULL DEFAULT 0,
	wrong        INTEGER NOT NULL DEFAULT 0,
	notes        INTEGER NOT NULL DEFAULT 0,
	notes_failed INTEGER NOT NULL DEFAULT 0,
	late         INTEGER NOT NULL DEFAULT 0,
	-- How many live finals came within so many milliseconds, and after all of them.
	in_250       INTEGER NOT NULL DEFAULT 0,
	in_500       INTEGER NOT NULL DEFAULT 0,
	in_750       INTEGER NOT NULL DEFAULT 0,
	in_1000      INTEGER NOT NULL DEFAULT 0,
	in_1500      INTEGER NOT NULL DEFAULT 0,
	in_2500      INTEGER NOT NULL DEFAULT 0,
	in_5000      INTEGER NOT NULL DEFAULT 0,
	slower       INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX call_figures_started ON call_figures (started_at);

-- The latencies of what was said before are not counted: nothing but its events
-- tells them.
INSERT INTO call_figures (call_id, started_at, direction, handled_ms)
	SELECT id, started_at, coalesce(doc ->> 'direction', ''), (ended_at - started_at) / 1000 FROM calls;
UPDATE call_figures SET outcome = coalesce(s.doc ->> 'disposition', ''),
	mood = CASE WHEN s.doc ->> '$.sentiment.rated' > 0 THEN
		CASE s.doc ->> '$.sentiment.mood' WHEN 'negative' THEN -1 WHEN 'positive' THEN 1 ELSE 0 END END
	FROM summaries s WHERE s.call_id = call_figures.call_id
	AND s.revision = (SELECT max(revision) FROM summaries WHERE call_id = s.call_id);
UPDATE call_figures SET suggested = s.n FROM (SELECT call_id, count(*) AS n FROM suggestions
	WHERE doc ->> 'kind' IN ('card', 'answer') GROUP BY call_id) s WHERE s.call_id = call_figures.call_id;
UPDATE call_figures SET used = v.used, dismissed = v.dismissed, wrong = v.wrong FROM (SELECT call_id,
	sum(verdict = 'used') AS used, sum(verdict = 'dismissed') AS dismissed, sum(verdict = 'wrong') AS wrong
	FROM feedback GROUP BY call_id) v WHERE v.call_id = call_figures.call_id;
UPDATE call_figures SET notes = d.notes, notes_failed = d.failed FROM (SELECT call_id, count(*) AS notes,
	sum(state = 'failed') AS failed FROM deliveries GROUP BY call_id) d WHERE d.call_id = call_figures.call_id;

CREATE TRIGGER call_begun_figures AFTER INSERT ON calls BEGIN
	INSERT INTO call_figures (call_id, started_at, direction, handled_ms)
		VALUES (new.id, new.started_at, coalesce(new.doc ->> 'direction', ''), (new.ended_at - new.started_at) / 1000)
		ON CONFLICT (call_id) DO UPDATE SET started_at = excluded.started_at, direction = excluded.direction, handled_ms = excluded.handled_ms;
END;
CREATE TRIGGER call_changed_figures AFTER UPDATE OF doc ON calls BEGIN
	UPDATE call_figures SET started_at = new.started_at, direction = coalesce(new.doc ->> 'direction', ''),
		handled_ms = (new.ended_at - new.started_at) / 1000 WHERE call_id = new.id;
END;
CREATE TRIGGER call_gone_figures AFTER DELETE ON calls BEGIN
	DELETE FROM call_figures WHERE call_id = old.id;
END;

CREATE TRIGGER summary_figures AFTER INSERT ON summaries
WHEN NOT EXISTS (SELECT 1 FROM summaries WHERE call_id = new.call_id AND revision > new.revision) BEGIN
	INSERT INTO call_figures (call_id, outcome, mood) VALUES (new.call_id, coalesce(new.doc ->> 'disposition', ''),
		CASE WHEN new.doc ->> '$.sentiment.rated' > 0 THEN
			CASE new.doc ->> '$.sentiment.mood' WHEN 'negative' THEN -1 WHEN 'positive' THEN 1 ELSE 0 END END)
		ON CONFLICT (call_id) DO UPDATE SET outcome = excluded.outcome, mood = excluded.mood;
END;

CREATE TRIGGER suggestion_figures AFTER INSERT ON suggestions WHEN new.doc ->> 'kind' IN ('card', 'answer') BEGIN
	INSERT INTO call_figures (call_id, suggested) VALUES (new.call_id, 1)
		ON CONFLICT (call_id) DO UPDATE SET suggested = suggested + 1;
END;

CREATE TRIGGER feedback_figures AFTER INSERT ON feedback BEGIN
	INSERT INTO call_figures (call_id, used, dismissed, wrong)
		VALUES (new.call_id, new.verdict = 'used', new.verdict = 'dismissed', new.verdict = 'wrong')
		ON CONFLICT (call_id) DO UPDATE SET used = used + excluded.used, dismissed = dismissed + excluded.dismissed, wrong = wrong + excluded.wrong;
END;
CREATE TRIGGER feedback_changed_figures AFTER UPDATE OF verdict ON feedback BEGIN
	UPDATE call_figures SET used = used + (new.verdict = 'used') - (old.verdict = 'used'),
		dismissed = dismissed + (new.verdict = 'dismissed') - (old.verdict = 'dismissed'),
		wrong = wrong + (new.verdict = 'wrong') - (old.verdict = 'wrong') WHERE call_id = new.call_id;
END;

CREATE TRIGGER delivery_figures AFTER INSERT ON deliveries BEGIN
	INSERT INTO call_figures (call_id, notes, notes_failed) VALUES (new.call_id, 1, new.state = 'failed')
		ON CONFLICT (call_id) DO UPDATE SET notes = notes + 1, notes_failed = notes_failed + excluded.notes_failed;
END;
CREATE TRIGGER delivery_changed_figures AFTER UPDATE OF state ON deliveries WHEN (old.state = 'failed') <> (new.state = 'failed') BEGIN
	UPDATE call_figures SET notes_failed = notes_failed + (new.state = 'failed') - (old.state = 'failed') WHERE call_id = new.call_id;
END;

-- A final is counted once, by its event, which also has the time. Those of a call
-- that was recognised again have a revision.
CREATE TRIGGER final_figures AFTER INSERT ON events
WHEN new.type = 'utterance.final' AND new.data ->> 'end_ms' IS NOT NULL AND coalesce(new.data ->> 'revision', 0) = 0 BEGIN
	INSERT INTO call_figures (call_id, late, in_250, in_500, in_750, in_1000, in_1500, in_2500, in_5000, slower)
		SELECT id, late, live AND ms <= 250, live AND ms > 250 AND ms <= 500, live AND ms > 500 AND ms <= 750,
			live AND ms > 750 AND ms <= 1000, live AND ms > 1000 AND ms <= 1500, live AND ms > 1500 AND ms <= 2500,
			live AND ms > 2500 AND ms <= 5000, live AND ms > 5000
		FROM (SELECT id, coalesce(new.data ->> 'late', 0) AS late, NOT coalesce(new.data ->> 'late', 0) AS live,
			(new.at - started_at) / 1000 - (new.data ->> 'end_ms') AS ms FROM calls WHERE id = new.call_id)
		WHERE true
		ON CONFLICT (call_id) DO UPDATE SET late = late + excluded.late, in_250 = in_250 + excluded.in_250,
			in_500 = in_500 + excluded.in_500, in_750 = in_750 + excluded.in_750, in_1000 = in_1000 + excluded.in_1000,
			in_1500 = in_1500 + excluded.in_1500, in_2500 = in_2500 + excluded.in_2500, in_5000 = in_5000 + excluded.in_5000,
			slower = slower + excluded.slower;
END;
