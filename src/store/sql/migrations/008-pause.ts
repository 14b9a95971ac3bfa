// Who paused an instance, when and why. Of one that was paused before, nobody noted it.
export const pause = `
  ALTER TABLE instances ADD COLUMN paused_at INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE instances ADD COLUMN paused_by TEXT;
  ALTER TABLE instances ADD COLUMN paused_reason TEXT;
`
