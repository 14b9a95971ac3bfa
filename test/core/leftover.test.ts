import { expect, test } from 'vitest'
import { leftovers, offlineOurs } from '../../src/core/leftover.ts'
import type { SeenRunner } from '../../src/core/runner.ts'
import { at } from '../support/builders.ts'

const registration: SeenRunner = { id: '7', name: 'muster-d1', labels: [], state: 'offline', ephemeral: true }
const left = (over: Partial<SeenRunner>, ended: [string, number][], now = '12:01:00') =>
  leftovers(
    offlineOurs({ complete: false, runners: [{ ...registration, ...over }] }, 'muster'),
    new Map(ended.map(([id, goneAt]) => [id, { sentAt: goneAt, ttl: 3_600_000, goneAt, goneReason: 'not_running' }])),
    at(now),
  )

test('the registration of a dispatch that is gone for a minute is left over', () => {
  expect(left({}, [['d1', at('12:00:00')]])).toEqual([{ id: '7', name: 'muster-d1' }])
})

test.each`
  why                                                    | runner                    | ended                         | now
  ${'its dispatch has only just gone'}                   | ${{}}                     | ${[['d1', at('12:00:00')]]}   | ${'12:00:59'}
  ${'its dispatch lives'}                                | ${{}}                     | ${[]}                         | ${'12:01:00'}
  ${'it is idle: somebody runs it'}                      | ${{ state: 'idle' }}      | ${[['d1', at('12:00:00')]]}   | ${'12:01:00'}
  ${'it works'}                                          | ${{ state: 'busy' }}      | ${[['d1', at('12:00:00')]]}   | ${'12:01:00'}
  ${"it is somebody else's, whose owner begins like us"} | ${{ name: 'musters-d1' }} | ${[['s-d1', at('12:00:00')]]} | ${'12:01:00'}
  ${'its name is not one that we give'}                  | ${{ name: 'd1' }}         | ${[['d1', at('12:00:00')]]}   | ${'12:01:00'}
`('a registration is let be when $why', ({ runner, ended, now }) => {
  expect(left(runner, ended, now)).toEqual([])
})
