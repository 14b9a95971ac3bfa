/** What reading lost deliveries back needs, and which secret signs. */
export const recovery = `
  ALTER TABLE jobs ADD COLUMN announced_by TEXT;
  ALTER TABLE jobs ADD COLUMN recovered_at INTEGER;

  CREATE INDEX jobs_recovered ON jobs (instance, recovered_at) WHERE recovered_at IS NOT NULL AND lost_at IS NULL;

  CREATE TABLE recoveries (
    instance TEXT NOT NULL,
    hook TEXT NOT NULL,
    watermark TEXT NOT NULL,
    PRIMARY KEY (instance, hook)
  ) STRICT;

  CREATE TABLE secret_uses (
    instance TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    uses INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (instance, fingerprint)
  ) STRICT;
`
