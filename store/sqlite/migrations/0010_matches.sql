-- Whose number the customer's is in each connector's system.

CREATE TABLE matches (
	call_id   TEXT NOT NULL,
	connector TEXT NOT NULL,
	doc       TEXT NOT NULL,
	PRIMARY KEY (call_id, connector)
) WITHOUT ROWID;
