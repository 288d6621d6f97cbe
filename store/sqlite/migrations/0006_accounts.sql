-- Who may sign in, what is signed in, tokens of programs, who did what, and
-- which agents and teams took part in which calls.

CREATE TABLE accounts (
	id       TEXT PRIMARY KEY,
	login    TEXT NOT NULL UNIQUE COLLATE NOCASE,
	password TEXT NOT NULL,
	doc      TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE sessions (
	hash       BLOB PRIMARY KEY,
	account_id TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_account ON sessions (account_id);

CREATE TABLE tokens (
	id         TEXT PRIMARY KEY,
	hash       BLOB NOT NULL UNIQUE,
	account_id TEXT NOT NULL,
	doc        TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX tokens_account ON tokens (account_id, id);

CREATE TABLE audit (
	n       INTEGER PRIMARY KEY,
	at      INTEGER NOT NULL,
	call_id TEXT NOT NULL,
	doc     TEXT NOT NULL
);
CREATE INDEX audit_call ON audit (call_id, n);

CREATE TABLE call_agents (
	call_id  TEXT NOT NULL,
	agent_id TEXT NOT NULL,
	team     TEXT NOT NULL,
	PRIMARY KEY (call_id, agent_id, team)
) WITHOUT ROWID;
CREATE INDEX call_agents_agent ON call_agents (agent_id, call_id);
CREATE INDEX call_agents_team ON call_agents (team, call_id);
INSERT INTO call_agents SELECT DISTINCT c.id, coalesce(p.value ->> 'agent_id', ''), coalesce(p.value ->> 'team', '')
	FROM calls c, json_each(c.doc, '$.participants') p
	WHERE coalesce(p.value ->> 'agent_id', '') <> '' OR coalesce(p.value ->> 'team', '') <> '';
