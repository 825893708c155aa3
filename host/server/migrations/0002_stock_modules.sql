-- Which modules came with the program, so that a newer program replaces what is its own
-- and nothing else. A row stays when the version it tells of is deleted.
CREATE TABLE stock_modules (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    -- The version of the program that brought it, such as 0.1.0.
    program TEXT NOT NULL,
    PRIMARY KEY (tenant, name, digest)
);
