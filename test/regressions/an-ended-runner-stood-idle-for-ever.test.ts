import { expect, test } from 'vitest'
import { reconcile } from '../../src/core/reconcile.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { aDispatch, aRunner, at } from '../support/builders.ts'
import { nothingSeen, seenRunners, someRules } from '../support/reconciling.ts'
import { someFacts } from '../support/snapshot.ts'
import { ask, save } from '../support/store.ts'

const runner = aRunner({ name: 'muster-d1', dispatch: 'd1' })
const rules = someRules({ lists: new Set(['default']) })

// Its dispatcher said that it had ended, and until the next look, which may be hours away, it covered jobs and stood for min_idle.
test('an idle runner goes with its dispatch', () => {
  const dispatches = [aDispatch({ id: 'd1', runner: 'muster-d1', tiedBy: 'name' })]
  const running = new Map([['default', { askedAt: at('12:02:00'), complete: true, dispatches: [] }]])
  const { facts } = reconcile(
    someFacts({ dispatches, runners: [runner] }),
    { ...nothingSeen, running },
    at('12:02:00'),
    rules,
  )
  expect(facts).toMatchObject({ dispatches: [], runners: [] })
})

test('an idle runner goes when its dispatch was stopped between two turns', () => {
  const { facts } = reconcile(someFacts({ runners: [runner] }), nothingSeen, at('12:02:00'), rules)
  expect(facts.runners).toEqual([])
})

test('a runner whose slot was released is a stranger while looks list it', () => {
  const look = seenRunners(at('12:02:00'), [{ name: 'muster-d1' }])
  const { facts } = reconcile(someFacts({ runners: [runner] }), look, at('12:02:01'), rules)
  expect(facts.runners).toMatchObject([{ state: 'idle', dispatch: null }])
})

// A new row under a known name was dropped: a runner that registered again under its name was never seen any more.
test('a runner that comes again under its name is known again', async () => {
  const store = await openSqliteStore({ path: ':memory:' })
  await save(store, { runners: [aRunner({ name: 'static', state: 'gone', firstSeenAt: at('12:00:00') })] })
  await save(store, { runners: [aRunner({ name: 'static', firstSeenAt: at('12:05:00') })] })
  const { runners } = await store.facts('main', ask())
  expect(runners).toMatchObject([{ name: 'static', state: 'idle', goneAt: null }])
  await store.close()
})

test('a look that began before a runner went does not bring it back', async () => {
  const store = await openSqliteStore({ path: ':memory:' })
  await save(store, { runners: [aRunner({ name: 'static', state: 'gone', firstSeenAt: at('12:00:00') })] })
  await save(store, { runners: [aRunner({ name: 'static', firstSeenAt: at('11:59:59') })] })
  expect((await store.facts('main', ask())).runners).toEqual([])
  await store.close()
})
