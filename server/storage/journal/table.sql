-- The tables of the journal in PostgreSQL, and the functions that write them.

-- One row: its lock makes the order of the numbers the order of the commits. `size_bytes` is that of
-- all bodies: the table itself does not shrink when entries are removed.
CREATE TABLE journal_head (
    id integer PRIMARY KEY CHECK (id = 1),
    seq bigint NOT NULL,
    received bigint NOT NULL,
    size_bytes bigint NOT NULL
);
INSERT INTO journal_head VALUES (1, 0, 0, 0);

CREATE TABLE journal_entries (
    seq bigint PRIMARY KEY,
    received bigint NOT NULL,
    body bytea NOT NULL
);

CREATE TABLE journal_identities (
    key bytea PRIMARY KEY,
    seq bigint NOT NULL,
    received bigint NOT NULL
);
CREATE INDEX ix_journal_identities_received ON journal_identities (received);

-- Microseconds since the epoch.
CREATE FUNCTION micros_now() RETURNS bigint LANGUAGE sql AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
$$;

-- Appends a group of deliveries: the key of each (empty for one without an identity), the number of
-- its entries, and the bodies of all. `life` is how long an identity is known, in microseconds.
-- Returns a row for each delivery, in their order.
CREATE FUNCTION journal_append(keys bytea[], counts integer[], bodies bytea[], life bigint)
RETURNS TABLE (first_seq bigint, is_duplicate boolean, stamp bigint)
LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
DECLARE
    head journal_head;
    known bigint;
    seqs bigint[] := '{}';
BEGIN
    SELECT * INTO STRICT head FROM journal_head FOR UPDATE;
    -- It never goes back, whatever happens to the clock.
    stamp := greatest(head.received, micros_now());
    FOR place IN 1 .. cardinality(counts) LOOP
        known := NULL;
        IF length(keys[place]) > 0 THEN
            INSERT INTO journal_identities AS mine VALUES (keys[place], head.seq + 1, stamp)
            ON CONFLICT (key) DO UPDATE
                SET seq = excluded.seq, received = excluded.received
                WHERE mine.received <= stamp - life;
            IF NOT FOUND THEN
                SELECT seq INTO STRICT known FROM journal_identities WHERE key = keys[place];
            END IF;
        END IF;
        is_duplicate := known IS NOT NULL;
        first_seq := coalesce(known, head.seq + 1);
        FOR number IN 1 .. counts[place] LOOP
            seqs := array_append(seqs, CASE WHEN known IS NULL THEN head.seq + number END);
        END LOOP;
        IF known IS NULL THEN
            head.seq := head.seq + counts[place];
        END IF;
        RETURN NEXT;
    END LOOP;
    WITH added AS (
        INSERT INTO journal_entries
        SELECT each.seq, stamp, each.body FROM unnest(seqs, bodies) AS each (seq, body)
        WHERE each.seq IS NOT NULL
        RETURNING octet_length(body) AS size_bytes
    )
    SELECT head.size_bytes + coalesce(sum(added.size_bytes), 0) INTO head.size_bytes FROM added;
    UPDATE journal_head SET seq = head.seq, received = stamp, size_bytes = head.size_bytes;
END
$$;
