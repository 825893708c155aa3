-- Who uses the server. The rows of a tenant that is deleted go with it, but for the audit log.
CREATE TABLE tenants (
    tenant TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);

-- Keys of the API. What is kept of a key is the SHA-256 of its secret part, 256 bits of chance.
CREATE TABLE api_keys (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    title TEXT NOT NULL,
    digest BYTEA NOT NULL,
    scopes TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT,
    last_used_ms BIGINT,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX api_keys_by_id ON api_keys (id);

-- Every change and every call that was turned away, in order. Rows are added and, when they are
-- old, removed; none is ever changed. A call that belongs to no tenant has the tenant ''.
CREATE TABLE audit (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    time_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    address TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    status BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX audit_by_time ON audit (time_ms);

-- What a stock module is follows from its bytes: another tenant may have it already.
CREATE INDEX modules_by_digest_alone ON modules (digest);
