/** How queue and runners were, each half minute: of each target where there was something, and of all together, which have the empty names. */
export const samples = `
  CREATE TABLE samples (
    at INTEGER NOT NULL,
    instance TEXT NOT NULL,
    target TEXT NOT NULL,
    queued INTEGER NOT NULL,
    booting INTEGER NOT NULL,
    idle INTEGER NOT NULL,
    busy INTEGER NOT NULL,
    max INTEGER NOT NULL,
    PRIMARY KEY (at, instance, target)
  );
`
