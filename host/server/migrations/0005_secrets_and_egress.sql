-- Secrets are sealed, and bound to hosts. A row with an empty key_id is plain text of an
-- older version; the server seals it when it starts.
ALTER TABLE secrets ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
ALTER TABLE secrets ADD COLUMN hosts TEXT NOT NULL DEFAULT '["*"]';

-- Where requests may go for tenants that have a policy of their own, as JSON.
CREATE TABLE egress_policies (
    tenant TEXT NOT NULL PRIMARY KEY,
    policy TEXT NOT NULL
);

-- What is to be done once, at the next start.
CREATE TABLE chores (
    name TEXT NOT NULL PRIMARY KEY
);
INSERT INTO chores (name) VALUES ('scrub_plain_secrets');
