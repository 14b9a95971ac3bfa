/** What callers of the dispatcher API ask for, until its start was sent; and what they were answered, by their key. */
export const requests = `
  CREATE TABLE requests (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    instance TEXT NOT NULL,
    labels TEXT NOT NULL,
    ttl INTEGER,
    machine_type TEXT,
    image TEXT,
    env TEXT NOT NULL,
    scope TEXT NOT NULL,
    asked_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX requests_of_instance ON requests (instance);

  CREATE TABLE request_keys (
    seq INTEGER PRIMARY KEY,
    instance TEXT NOT NULL,
    key TEXT NOT NULL,
    digest TEXT NOT NULL,
    answer TEXT NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (instance, key)
  ) STRICT;

  CREATE INDEX dispatches_live_requested ON dispatches (target) WHERE target = 'api' AND gone_at IS NULL;
`
