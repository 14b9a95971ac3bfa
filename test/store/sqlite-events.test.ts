import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { mostEvents } from '../../src/store/sql/prune.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { anEvent, at } from '../support/builders.ts'

test('remembers a million events at most, and forgets the oldest first', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-events-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'muster.db')
  const first = await openSqliteStore({ path })
  await first.append([
    anEvent({ runner: 'too old' }),
    anEvent({ runner: 'the last to go' }),
    anEvent({ runner: 'stays' }),
  ])
  await first.close()
  // As if as many had been appended as are remembered.
  const db = new DatabaseSync(path)
  db.prepare("INSERT INTO events (seq, type, at, instance, detail) VALUES (?, 'paused', ?, 'main', '{}')").run(
    mostEvents + 2,
    at('12:00:00'),
  )
  db.close()

  const store = await openSqliteStore({ path })
  await store.prune(at('00:00:00'))
  const { items } = await store.events({ limit: 10, after: '0' })
  expect(items.map(({ runner, type }) => runner ?? type)).toEqual(['stays', 'paused'])
  await store.close()
})
