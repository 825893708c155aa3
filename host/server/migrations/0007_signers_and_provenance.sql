-- Keys whose signatures of modules a tenant trusts, in base64 as minisign has them.
CREATE TABLE signers (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    public_key TEXT NOT NULL,
    updated_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, name),
    UNIQUE (tenant, public_key)
);

-- What tenants ask of uploads that have said so: off, warn or require.
CREATE TABLE signature_policies (
    tenant TEXT NOT NULL PRIMARY KEY,
    policy TEXT NOT NULL
);

-- Where a version comes from, a JSON object; of versions from before, whatever is known.
ALTER TABLE modules ADD COLUMN provenance TEXT NOT NULL DEFAULT '{}';
UPDATE modules SET provenance = '{"source":{"kind":"stock"}}'
WHERE EXISTS (SELECT 1 FROM stock_modules AS s
    WHERE s.tenant = modules.tenant AND s.name = modules.name AND s.digest = modules.digest);
