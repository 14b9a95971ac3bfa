import { afterAll, expect, test } from 'vitest'
import { liveStatements } from '../../src/store/sql/dispatches.ts'
import { factStatements } from '../../src/store/sql/facts.ts'
import { connect } from '../../src/store/sqlite/database.ts'
import { migrate } from '../../src/store/sqlite/migrate.ts'

const statements = { ...factStatements, ...liveStatements }
const byKey = 'jobs: sqlite_autoindex_jobs_1 (instance=? AND id=? AND round=?)'

/** How each statement of a turn finds its rows. Each of these indexes leads past what is over, however much of it there is. */
const ways: Record<keyof typeof statements, readonly string[]> = {
  open: ['jobs: jobs_of_instance_in_state (instance=? AND state=?)'],
  queued: ['jobs: jobs_queued (instance=?)'],
  oldest: ['jobs: jobs_queued (instance=? AND target=?)'],
  oldestUnassigned: ['jobs: jobs_queued (instance=? AND target=?)'],
  named: ['dispatches: dispatches_live (instance=?)', byKey],
  ran: ['dispatches: dispatches_live (instance=?)', byKey],
  spent: ['dispatches: dispatches_live (instance=?)', byKey],
  requeued: ['jobs: jobs_requeued (instance=?)'],
  unspent: ['jobs: jobs_unspent (instance=?)'],
  unannounced: ['jobs: jobs_unannounced (instance=? AND listed_at>?)'],
  recovered: ['jobs: jobs_recovered (instance=? AND recovered_at>?)'],
  asked: ['SCAN asked', byKey, 'jobs: sqlite_autoindex_jobs_1 (instance=? AND id=?)'],
  dispatches: ['dispatches: dispatches_live (instance=?)', 'SORT'],
  runners: ['runners: runners_live (instance=?)'],
  backoffs: ['backoffs: backoffs_of_instance (instance=?)'],
  instance: ['instances: PRIMARY KEY (name=?)'],
  finished: ['jobs: jobs_finished_of_repository (instance=? AND repository=?)'],
  announced: ['jobs: jobs_announced (instance=? AND first_seen_at>?)', 'SCAN found'],
  ofTarget: ['dispatches: dispatches_live (instance=? AND target=?)'],
  ofRequests: ['dispatches: dispatches_live_requested (target=?)'],
  left: ['dispatches: dispatches_live (instance=?)', 'SORT'],
  ofDispatcher: ['dispatches: dispatches_live_of_dispatcher (dispatcher=?)'],
}

test.for(Object.entries(ways))('SQLite finds what a turn asks for by an index: %s', ([name, expected]) => {
  const found = plan(statements[name as keyof typeof statements])
  expect(found).toEqual(expected)
})

const db = connect(':memory:', 0)
migrate(db, ':memory:')
afterAll(() => db.close())

/** SQLite's own account of how it will run a statement, in short. */
function plan(statement: string): string[] {
  return db.all(`EXPLAIN QUERY PLAN ${statement}`).flatMap(({ detail }) => {
    const step = String(detail)
    const search = /^SEARCH (\w+) USING (?:COVERING )?(?:INDEX )?(.*)$/.exec(step)
    if (search) return `${search[1]}: ${search[2]}`
    if (step.startsWith('SCAN')) return step.replace(/ VIRTUAL TABLE.*$/, '')
    return step.includes('TEMP B-TREE') ? 'SORT' : []
  })
}
