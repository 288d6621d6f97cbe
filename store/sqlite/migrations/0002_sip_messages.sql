-- The SIP ladders of the calls, in the order the messages came and went.
CREATE TABLE sip_messages (
	n          INTEGER PRIMARY KEY AUTOINCREMENT,
	call_id    TEXT NOT NULL,
	segment_id TEXT NOT NULL,
	doc        TEXT NOT NULL
);
CREATE INDEX sip_messages_call ON sip_messages (call_id, n);
CREATE INDEX sip_messages_segment ON sip_messages (segment_id, n);
