-- Tries of secrets, counted for all servers together.
CREATE TABLE tries (
    name bytea NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX ix_tries_name ON tries (name, at);
CREATE INDEX ix_tries_at ON tries (at);

-- Counts a try, if fewer than `most` were counted within `span`. Returns 0, or for how many seconds
-- none is allowed.
CREATE FUNCTION count_try(which bytea, most integer, span interval) RETURNS double precision
LANGUAGE plpgsql AS $$
DECLARE
    present timestamptz;
    counted bigint;
    oldest timestamptz;
BEGIN
    -- Tries that come all at once are many tries too.
    PERFORM pg_advisory_xact_lock(hashtextextended(encode(which, 'hex'), 0));
    present := clock_timestamp();
    DELETE FROM tries WHERE ctid IN (
        SELECT ctid FROM tries WHERE at <= present - span FOR UPDATE SKIP LOCKED
    );
    SELECT count(*), min(at) INTO counted, oldest
    FROM tries WHERE name = which AND at > present - span;
    IF counted >= most THEN
        RETURN extract(epoch FROM oldest + span - present);
    END IF;
    INSERT INTO tries VALUES (which, present);
    RETURN 0;
END
$$;
