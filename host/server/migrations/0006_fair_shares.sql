-- What a tenant gets beside the others, and what one evaluation of its rules may use at most,
-- where that is less than the server's limit: a JSON object.
ALTER TABLE tenants ADD COLUMN weight BIGINT NOT NULL DEFAULT 1;
ALTER TABLE tenants ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';

-- What is due is asked for each tenant by itself.
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (tenant, next_attempt_ms, id) WHERE status = 'pending';
