-- The version that is run where a rule or receiver names none. Until now that was the newest.
ALTER TABLE module_names ADD COLUMN promoted BIGINT NOT NULL DEFAULT 0;
UPDATE module_names SET promoted = COALESCE(
    (SELECT MAX(version) FROM modules AS m WHERE m.tenant = module_names.tenant AND m.name = module_names.name), 0);
