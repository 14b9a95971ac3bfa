import { expect, test } from 'vitest'
import type { GoneReason } from '../../src/core/dispatch.ts'
import { leftovers, offlineOurs } from '../../src/core/leftover.ts'
import { at } from '../support/builders.ts'

// A dispatch whose outcome was unknown is freed at its boot_timeout, while its machine may still be fetching an image: its registration,
// which never connected and so is listed as offline, was removed a minute later.

const offline = offlineOurs(
  { complete: true, runners: [{ id: '7', name: 'muster-d1', labels: [], state: 'offline', ephemeral: true }] },
  'muster',
)
const found = (goneReason: GoneReason, now: string) => {
  const dispatch = { sentAt: at('12:00:00'), ttl: 3_600_000, goneAt: at('12:05:00'), goneReason }
  return leftovers(offline, new Map([['d1', dispatch]]), at(now)).map(({ name }) => name)
}

test.each<GoneReason>(['never_seen', 'released', 'freed_without_proof'])(
  'a registration whose slot was freed as %s is left to its runner until the ttl of that is over',
  (reason) => {
    expect(found(reason, '13:01:59')).toEqual([])
    expect(found(reason, '13:02:00')).toEqual(['muster-d1'])
  },
)

test('one whose runner is known to have ended is removed a minute later', () => {
  expect(found('not_running', '12:06:00')).toEqual(['muster-d1'])
})
