import { migrations, type Step } from '../sql/migrations.ts'
import { StoreUnusable } from '../store.ts'
import { type Database, transaction } from './database.ts'

/** Marks a file as ours ("Mstr"), so that no other program's database is ever changed. */
export const applicationId = 0x4d737472

/** Takes the file through the steps that it lacks, one transaction each: a crash leaves whole steps, and the next start goes on. */
export function migrate(db: Database, path: string, steps: readonly Step[] = migrations): void {
  const version = pragma(db, 'user_version')
  if (version > steps.length) {
    throw new StoreUnusable(
      `${path} has schema ${version}, written by a newer muster; this one knows schemas up to ${steps.length}. Start the newer version, or point \`state\` at another file.`,
    )
  }
  for (const [index, step] of steps.entries()) {
    if (index < version) continue
    transaction(db, () => {
      db.exec(typeof step === 'string' ? step : step.sqlite)
      db.exec(`PRAGMA application_id = ${applicationId}`)
      db.exec(`PRAGMA user_version = ${index + 1}`)
    })
  }
}

/** Throws when the file is a database of another program. */
export function refuseForeign(db: Database, path: string): void {
  if (pragma(db, 'application_id') === applicationId) return
  const isEmpty = db.get('SELECT 1 FROM sqlite_schema LIMIT 1') === undefined
  if (isEmpty && pragma(db, 'user_version') === 0) return
  throw new StoreUnusable(`${path} is a database of another program. Point \`state\` at a file of muster's own.`)
}

function pragma(db: Database, name: 'user_version' | 'application_id'): number {
  return Number(db.get(`PRAGMA ${name}`)?.[name])
}
