-- Secrets that all servers of an installation must agree on.
CREATE TABLE installation_keys (
    name text PRIMARY KEY,
    key bytea NOT NULL
);
