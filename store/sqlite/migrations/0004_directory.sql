-- Agents, teams and queues, each as JSON, by kind and ID.
CREATE TABLE directory (
	kind TEXT NOT NULL,
	id   TEXT NOT NULL,
	doc  TEXT NOT NULL,
	PRIMARY KEY (kind, id)
) WITHOUT ROWID;

-- How often the directory was changed, so that others see when to read it again.
CREATE TABLE directory_revision (
	n INTEGER NOT NULL
);
INSERT INTO directory_revision (n) VALUES (0);
