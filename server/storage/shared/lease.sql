-- Which server leads, and what each of them said last.

-- One row. A new leader changes the key, and so waits for the transactions of the old one, which
-- hold it. The leader itself renews its lease beside them.
CREATE TABLE leader (
    id integer PRIMARY KEY CHECK (id = 1),
    epoch bigint NOT NULL UNIQUE,
    server text NOT NULL,
    until timestamptz NOT NULL
);
INSERT INTO leader VALUES (1, 0, '', '-infinity');

CREATE TABLE servers (
    server text PRIMARY KEY,
    name text NOT NULL,
    started timestamptz NOT NULL,
    seen timestamptz NOT NULL,
    said bytea NOT NULL
);

-- Keeps or takes the lead for `life`, if that is possible, and says what the server is like.
-- `mine` is the epoch in which it leads, or 0. Returns the epoch in which it leads now, or 0.
CREATE FUNCTION lead(me text, my_name text, mine bigint, life interval, words bytea) RETURNS bigint
LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
DECLARE
    found bigint;
BEGIN
    INSERT INTO servers VALUES (me, my_name, clock_timestamp(), clock_timestamp(), words)
    ON CONFLICT (server) DO UPDATE SET seen = excluded.seen, said = excluded.said;
    UPDATE leader SET until = clock_timestamp() + life WHERE server = me AND epoch = mine
    RETURNING epoch INTO found;
    IF found IS NULL THEN
        UPDATE leader SET epoch = epoch + 1, server = me, until = clock_timestamp() + life
        WHERE until < clock_timestamp() RETURNING epoch INTO found;
    END IF;
    RETURN coalesce(found, 0);
END
$$;

-- Ends the lead at once, so that another server need not wait, and forgets this one.
CREATE FUNCTION leave(me text, mine bigint) RETURNS void
LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
BEGIN
    DELETE FROM servers WHERE server = me;
    UPDATE leader SET until = '-infinity' WHERE server = me AND epoch = mine;
END
$$;

-- Begins a transaction that only the leader of this epoch may do. No other leads before its end.
CREATE FUNCTION must_lead(mine bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM leader WHERE epoch = mine FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another server leads' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END
$$;
