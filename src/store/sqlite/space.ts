import type { Database } from './database.ts'

/** Free pages that a clean-up leaves in the file, because they are soon used again: a tenth of it, and some. */
const spare = { share: 0.1, pages: 250 }
/** Pages that one commit gives back at most, so that deliveries never wait long behind it. */
const batch = 500

/** Gives what was forgotten back to the disk, batch by batch; a file from before it could do that keeps it for what comes. */
export async function giveBack(
  db: Database,
  commit: (work: () => void) => Promise<void>,
  how: 'most' | 'all',
): Promise<void> {
  for (let before = Number.POSITIVE_INFINITY; ; ) {
    const free = count(db, 'freelist_count')
    const kept = how === 'all' ? 0 : count(db, 'page_count') * spare.share + spare.pages
    if (free <= kept || free >= before) break
    before = free
    await commit(() => db.exec(`PRAGMA incremental_vacuum(${batch})`))
  }
  if (how === 'all') moveLog(db)
}

/** Moves the log into the file and leaves nothing of it, as far as that can be done now. */
export function moveLog(db: Database): void {
  try {
    if (!db.inTransaction()) db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch {
    // The disk may still be too full for it; the next commit tells.
  }
}

function count(db: Database, what: 'freelist_count' | 'page_count'): number {
  return Number(db.get(`PRAGMA ${what}`)?.[what])
}
