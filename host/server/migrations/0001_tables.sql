-- Plain SQL that SQLite and PostgreSQL both run. Ids are made by the host, times are
-- milliseconds since the epoch, and every table of tenant data starts its key with the tenant.

-- The last revision given out in a tenant. It never goes back, so that a revision is
-- not used twice even when a group is deleted and made again.
CREATE TABLE revisions (
    tenant TEXT NOT NULL PRIMARY KEY,
    last BIGINT NOT NULL
);

CREATE TABLE module_names (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    last_version BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);

CREATE TABLE module_code (
    tenant TEXT NOT NULL,
    digest TEXT NOT NULL,
    wasm BYTEA NOT NULL,
    PRIMARY KEY (tenant, digest)
);

CREATE TABLE modules (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL CHECK (version >= 1),
    digest TEXT NOT NULL,
    world TEXT NOT NULL,
    description TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    compile_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, name, version),
    UNIQUE (tenant, name, digest),
    FOREIGN KEY (tenant, name) REFERENCES module_names (tenant, name),
    FOREIGN KEY (tenant, digest) REFERENCES module_code (tenant, digest)
);
CREATE INDEX modules_by_digest ON modules (tenant, digest);

CREATE TABLE sources (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    spec TEXT NOT NULL,
    revision BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- A version of 0 is the newest there is.
CREATE TABLE receivers (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    spec TEXT NOT NULL,
    module TEXT NOT NULL,
    module_version BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
CREATE INDEX receivers_by_module ON receivers (tenant, module);

CREATE TABLE receiver_state (
    tenant TEXT NOT NULL,
    receiver TEXT NOT NULL,
    name TEXT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (tenant, receiver, name),
    FOREIGN KEY (tenant, receiver) REFERENCES receivers (tenant, name) ON DELETE CASCADE
);

CREATE TABLE secrets (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);

CREATE TABLE rule_groups (
    tenant TEXT NOT NULL,
    namespace TEXT NOT NULL,
    group_name TEXT NOT NULL,
    spec TEXT NOT NULL,
    revision BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, namespace, group_name)
);

-- What each rule uses: kind is module, source or receiver; a version of 0 is the newest.
CREATE TABLE rule_uses (
    tenant TEXT NOT NULL,
    namespace TEXT NOT NULL,
    group_name TEXT NOT NULL,
    rule TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant, namespace, group_name, rule, kind, name, version),
    FOREIGN KEY (tenant, namespace, group_name)
        REFERENCES rule_groups (tenant, namespace, group_name) ON DELETE CASCADE
);
CREATE INDEX rule_uses_by_name ON rule_uses (tenant, kind, name);

CREATE TABLE rule_health (
    tenant TEXT NOT NULL,
    namespace TEXT NOT NULL,
    group_name TEXT NOT NULL,
    rule TEXT NOT NULL,
    health TEXT NOT NULL,
    error_code TEXT,
    error_message TEXT,
    last_evaluation_ms BIGINT,
    last_duration_ns BIGINT,
    missed BIGINT NOT NULL CHECK (missed >= 0),
    seq BIGINT NOT NULL CHECK (seq >= 0),
    queries TEXT,
    PRIMARY KEY (tenant, namespace, group_name, rule),
    FOREIGN KEY (tenant, namespace, group_name)
        REFERENCES rule_groups (tenant, namespace, group_name) ON DELETE CASCADE
);

-- value_bits are the bits of a 64-bit float: not every store keeps a NaN.
CREATE TABLE alerts (
    tenant TEXT NOT NULL,
    namespace TEXT NOT NULL,
    group_name TEXT NOT NULL,
    rule TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    labels TEXT NOT NULL,
    annotations TEXT NOT NULL,
    value_bits BIGINT NOT NULL,
    state TEXT NOT NULL,
    active_at_ms BIGINT,
    fired_at_ms BIGINT,
    resolved_at_ms BIGINT,
    last_sent_at_ms BIGINT,
    keep_firing_since_ms BIGINT,
    PRIMARY KEY (tenant, namespace, group_name, rule, fingerprint),
    FOREIGN KEY (tenant, namespace, group_name)
        REFERENCES rule_groups (tenant, namespace, group_name) ON DELETE CASCADE
);

CREATE TABLE rule_state (
    tenant TEXT NOT NULL,
    namespace TEXT NOT NULL,
    group_name TEXT NOT NULL,
    rule TEXT NOT NULL,
    name TEXT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (tenant, namespace, group_name, rule, name),
    FOREIGN KEY (tenant, namespace, group_name)
        REFERENCES rule_groups (tenant, namespace, group_name) ON DELETE CASCADE
);

CREATE TABLE rule_timers (
    tenant TEXT NOT NULL,
    namespace TEXT NOT NULL,
    group_name TEXT NOT NULL,
    rule TEXT NOT NULL,
    name TEXT NOT NULL,
    due_ms BIGINT NOT NULL,
    payload BYTEA NOT NULL,
    PRIMARY KEY (tenant, namespace, group_name, rule, name),
    FOREIGN KEY (tenant, namespace, group_name)
        REFERENCES rule_groups (tenant, namespace, group_name) ON DELETE CASCADE
);

-- Deliveries outlive the group that caused them, so they reference nothing.
CREATE TABLE outbox (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    receiver TEXT NOT NULL,
    namespace TEXT NOT NULL,
    group_name TEXT NOT NULL,
    rule TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    next_attempt_ms BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    requests_done BIGINT NOT NULL,
    status TEXT NOT NULL,
    last_error TEXT,
    finished_ms BIGINT,
    PRIMARY KEY (tenant, id)
);
-- What waits is little beside what is done, so these hold only that.
CREATE INDEX outbox_lanes ON outbox (tenant, receiver, namespace, group_name, rule, id)
    WHERE status = 'pending';
CREATE INDEX outbox_resends ON outbox (tenant, receiver, namespace, group_name, rule, id)
    WHERE status = 'pending' AND kind = 'resend';
CREATE INDEX outbox_due ON outbox (next_attempt_ms, id) WHERE status = 'pending';
CREATE INDEX outbox_ended ON outbox (status, finished_ms) WHERE finished_ms IS NOT NULL;

CREATE TABLE evaluations (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    namespace TEXT NOT NULL,
    group_name TEXT NOT NULL,
    rule TEXT NOT NULL,
    seq BIGINT NOT NULL,
    slot_ms BIGINT NOT NULL,
    cause TEXT NOT NULL,
    error_code TEXT,
    error_message TEXT,
    fuel BIGINT NOT NULL,
    wall_ns BIGINT NOT NULL,
    rounds BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    inputs BYTEA NOT NULL,
    outcome TEXT,
    effects TEXT,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX evaluations_by_rule ON evaluations (tenant, namespace, group_name, rule, id);
CREATE INDEX evaluations_by_seq ON evaluations (tenant, namespace, group_name, rule, seq);
CREATE INDEX evaluations_by_slot ON evaluations (slot_ms);
