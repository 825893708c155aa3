-- What was used in each hour, by rule. What no rule has used, such as queries through the API, has
-- the empty namespace, group and rule, and so has what rules used long ago.
CREATE TABLE usage (
    tenant TEXT NOT NULL,
    hour_ms BIGINT NOT NULL,
    namespace TEXT NOT NULL,
    group_name TEXT NOT NULL,
    rule TEXT NOT NULL,
    evaluations BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    fuel BIGINT NOT NULL,
    cpu_ns BIGINT NOT NULL,
    queries BIGINT NOT NULL,
    query_bytes BIGINT NOT NULL,
    notifications BIGINT NOT NULL,
    notification_bytes BIGINT NOT NULL,
    log_bytes BIGINT NOT NULL,
    journal_bytes BIGINT NOT NULL,
    PRIMARY KEY (tenant, hour_ms, namespace, group_name, rule)
);
CREATE INDEX usage_by_hour ON usage (hour_ms);
