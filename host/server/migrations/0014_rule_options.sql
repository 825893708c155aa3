-- In which of the last evaluations an alert was observed, and how many evaluations of a rule have failed in a row.
ALTER TABLE alerts ADD COLUMN seen BIGINT NOT NULL DEFAULT 1;
ALTER TABLE rule_health ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;

-- Slots that passed without an evaluation while the rule was paused, and while the server was stopped.
ALTER TABLE rule_health ADD COLUMN missed_paused BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rule_health ADD COLUMN missed_stopped BIGINT NOT NULL DEFAULT 0;

-- What people have paused: an empty name stands for all there are.
CREATE TABLE pauses (
    tenant TEXT NOT NULL,
    namespace TEXT NOT NULL,
    group_name TEXT NOT NULL,
    rule TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    since_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, namespace, group_name, rule)
);
