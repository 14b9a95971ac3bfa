import { afterAll, expect, test } from 'vitest'
import { circumstanceStatements } from '../../src/store/sql/circumstances.ts'
import { liveStatements } from '../../src/store/sql/dispatches.ts'
import { factStatements } from '../../src/store/sql/facts.ts'
import { listEvents } from '../../src/store/sql/lists.ts'
import { answered, runNow, type Sql } from '../../src/store/sql/sql.ts'
import { connect } from '../../src/store/sqlite/database.ts'
import { migrate } from '../../src/store/sqlite/migrate.ts'
import type { EventQuery } from '../../src/store/store.ts'

const statements = { ...factStatements, ...liveStatements, ...circumstanceStatements }
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
  live: ['dispatches: dispatches_live (instance=? AND target=?)'],
  retries: ['dispatches: dispatches_live (instance=? AND target=?)', 'backoffs: PRIMARY KEY (key=?)'],
  ahead: ['jobs: jobs_queued (instance=? AND target=? AND <expr><?)', byKey],
  held: ['backoffs: PRIMARY KEY (key=?)', 'SCAN json_each'],
  dispatch: ['dispatches: sqlite_autoindex_dispatches_1 (id=?)'],
  runner: ['runners: sqlite_autoindex_runners_1 (instance=? AND name=?)'],
  started: ['jobs: jobs_started (instance=? AND target=? AND seen_running_at>?)'],
  tied: ['dispatches: dispatches_tied (instance=? AND target=? AND tied_at>?)'],
}

test.for(Object.entries(ways))('SQLite finds what a turn asks for by an index: %s', ([name, expected]) => {
  const found = plan(statements[name as keyof typeof statements])
  expect(found).toEqual(expected)
})

/** How each list of events finds its rows: in their order, so that a page costs no more than it shows. */
test.for<[EventQuery, string]>([
  [{ limit: 10 }, 'SCAN events'],
  [{ limit: 10, instance: 'main' }, 'events: events_of_instance (instance=?)'],
  [
    { limit: 10, instance: 'main', job: { id: '1', round: 1 } },
    'events: events_of_job (instance=? AND job_id=? AND job_round=?)',
  ],
  [{ limit: 10, dispatch: 'd' }, 'events: events_of_dispatch (dispatch=?)'],
  [{ limit: 10, instance: 'main', runner: 'r' }, 'events: events_of_runner (instance=? AND runner=?)'],
  [{ limit: 10, types: ['mode_changed'] }, 'events: events_of_type (type=?)'],
  [{ limit: 10, types: ['job_queued', 'job_running'] }, 'SCAN events'],
  [{ limit: 10, after: '5' }, 'events: INTEGER PRIMARY KEY (rowid>?)'],
  [{ limit: 10, instance: 'main', after: '5' }, 'events: events_of_instance (instance=? AND seq>?)'],
])('events by %j are found without sorting a million of them: %s', ([query, way]) => {
  let asked = ''
  const sql: Pick<Sql, 'all'> = {
    all(statement) {
      asked = statement
      return answered([])
    },
  }
  runNow(listEvents(sql as Sql, query))
  expect(plan(asked)).toContain(way)
  expect(plan(asked)).not.toContain('SORT')
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
