import { expect, test } from 'vitest'
import { plan } from '../../src/core/plan.ts'
import { aDispatch, aRunner, at } from '../support/builders.ts'
import { aSnapshot } from '../support/snapshot.ts'

// Past half its ttl it was ended as one that is to be replaced, though without `min_idle` nothing replaces it.
test('without min_idle an idle runner stands for its idle_timeout, though that is longer than half its ttl', () => {
  const minute = 60_000
  const dispatches = [
    aDispatch({ id: 'd1', runner: 'muster-d1', tiedBy: 'name', ttl: 20 * minute, idleTimeout: 15 * minute }),
  ]
  const runners = [aRunner({ name: 'muster-d1', dispatch: 'd1', idleLooks: 2 })]
  const stops = (now: number) => plan(aSnapshot({ dispatches, runners, stoppable: new Set(['default']), now })).stops
  expect(stops(at('12:11:00'))).toEqual([])
  expect(stops(at('12:15:00'))).toMatchObject([{ why: 'idle_timeout' }])
})
