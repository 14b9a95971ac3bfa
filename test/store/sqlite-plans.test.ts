import { afterAll, describe, expect, test } from 'vitest'
import { connect } from '../../src/store/sqlite/database.ts'
import { liveStatements } from '../../src/store/sqlite/dispatches.ts'
import { factStatements } from '../../src/store/sqlite/facts.ts'
import { migrate } from '../../src/store/sqlite/migrations.ts'

// A turn must cost what is open, not what was ever recorded: no statement of it may read a table, or all that an instance ever had, to the end.
describe('SQLite finds by an index', () => {
  const db = connect(':memory:', 0)
  migrate(db, ':memory:')
  afterAll(() => db.close())
  const steps = (statement: string) => db.all(`EXPLAIN QUERY PLAN ${statement}`).map(({ detail }) => String(detail))

  test.for(Object.entries({ ...factStatements, ...liveStatements }))('what a turn asks for: %s', ([, statement]) => {
    const reads = steps(statement).filter((step) => /\b(jobs|dispatches|runners|backoffs|instances)\b/.test(step))
    expect(reads).not.toEqual([])
    for (const step of reads) expect(step).toMatch(/^SEARCH /)
    for (const step of reads) expect(step).not.toMatch(/(jobs|dispatches|runners)_of_instance \(instance=\?\)/)
  })

  test('the oldest of a queue, without sorting the whole of it', () => {
    expect(steps(factStatements.oldest)).toEqual([expect.stringContaining('jobs_queued')])
  })

  test('the newest round of an id, without reading the other ids', () => {
    expect(steps(factStatements.asked)).toContainEqual(expect.stringContaining('(instance=? AND id=? AND round=?)'))
  })
})
