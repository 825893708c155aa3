-- Who has changed what of a tenant's configuration, when and from where.
CREATE TABLE config_changes (
    tenant TEXT NOT NULL,
    revision BIGINT NOT NULL,
    time_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    address TEXT NOT NULL,
    call TEXT NOT NULL,
    PRIMARY KEY (tenant, revision)
);

-- What each change has changed, in its order: none before is what was made, none after what was deleted.
CREATE TABLE config_change_items (
    tenant TEXT NOT NULL,
    revision BIGINT NOT NULL,
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    before TEXT,
    after TEXT,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (tenant, revision, number),
    FOREIGN KEY (tenant, revision) REFERENCES config_changes (tenant, revision) ON DELETE CASCADE
);
CREATE INDEX config_change_items_by_bytes ON config_change_items (tenant, revision, bytes);
