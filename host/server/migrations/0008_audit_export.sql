-- The audit log of all tenants is exported by time and shown by id.
DROP INDEX audit_by_time;
CREATE INDEX audit_by_time_and_id ON audit (time_ms, id);
CREATE INDEX audit_by_id ON audit (id);

-- The one row says since when the audit log is whole: entries from before may be removed, and no
-- others. The store has triggers that hold it to that, each database in words of its own.
CREATE TABLE audit_kept (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    since_ms BIGINT NOT NULL
);
INSERT INTO audit_kept (one, since_ms) VALUES (1, 0);
