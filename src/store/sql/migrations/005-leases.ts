/** Who works an instance, and until when. SQLite has it in memory: only one process opens a file, so no holder outlives it there. */
export const leasesTable = 'TABLE leases (instance TEXT PRIMARY KEY, holder TEXT NOT NULL, until INTEGER NOT NULL)'

export const leases = {
  sqlite: 'ALTER TABLE instances DROP COLUMN holder',
  postgres: `ALTER TABLE instances DROP COLUMN holder; CREATE ${leasesTable}`,
}
