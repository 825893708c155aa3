-- What the operator has stopped: the kind is `tenant` or `module`, the name that of the
-- tenant or the digest of the module.
CREATE TABLE quarantine (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    reason TEXT NOT NULL,
    since_ms BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
);

-- How rules stand: evaluations in a row over a limit, the pause that follows, and what their
-- receivers were told of it.
ALTER TABLE rule_health ADD COLUMN strikes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rule_health ADD COLUMN paused_until_ms BIGINT;
ALTER TABLE rule_health ADD COLUMN told TEXT;
ALTER TABLE rule_health ADD COLUMN told_since_ms BIGINT;
