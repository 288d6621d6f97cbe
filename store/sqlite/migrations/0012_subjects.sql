-- Accounts of people whom an OpenID provider signs in, by who they are there.

CREATE UNIQUE INDEX accounts_subject ON accounts (doc ->> 'subject') WHERE doc ->> 'subject' IS NOT NULL;
