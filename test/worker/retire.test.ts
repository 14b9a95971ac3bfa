import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { ForgeRefused, ForgeUnreachable } from '../../src/forges/errors.ts'
import { createLog } from '../../src/log.ts'
import { Scrubber } from '../../src/secret.ts'
import type { TurnDeps } from '../../src/worker/deps.ts'
import { clearAway, retire } from '../../src/worker/retire.ts'
import { aDispatch } from '../support/builders.ts'
import { handClock } from '../support/world.ts'

/** Ends one idle runner, and tells what was done in its order. */
async function retired(unregister: () => Promise<'removed' | 'busy'>): Promise<string[]> {
  const told: string[] = []
  const stopped = async (id: string) => void told.push(`${id} stopped`)
  const deps = {
    forge: {
      unregister: () => {
        told.push('deregistered')
        return unregister()
      },
    },
    lanes: new Map([['default', { stop: stopped }]]),
    store: { settle: async (id: string, outcome: object) => void told.push(`${id} ${JSON.stringify(outcome)}`) },
    clock: handClock(),
    log: createLog({ scrubber: new Scrubber(), level: 'silent' }),
    retiring: new Set<string>(),
  }
  const stop = {
    dispatch: aDispatch({ id: 'd1' }),
    runner: { id: '7', name: 'muster-d1' },
    why: 'idle_timeout' as const,
  }
  retire(deps as unknown as TurnDeps, stop)
  await turnOfTheLoop()
  expect(deps.retiring.size).toBe(0)
  return told
}

test('an idle runner is deregistered before it is stopped, and only then its slot is free', async () => {
  const told = await retired(async () => 'removed')
  expect(told).toEqual(['deregistered', 'd1 stopped', expect.stringMatching(/^d1 .*"gone".*"stopped"/)])
})

test('one that took a job meanwhile is let be', async () => {
  expect(await retired(async () => 'busy')).toEqual(['deregistered'])
})

test('one that the forge does not let go is not stopped', async () => {
  expect(await retired(() => Promise.reject(new Error('503')))).toEqual(['deregistered'])
})

/** Removes three registrations of which the first cannot be; tells which ones were tried. */
async function cleared(failure: Error): Promise<string[]> {
  const tried: string[] = []
  const deps = {
    forge: {
      async unregister({ name }: { name: string }) {
        tried.push(name)
        if (name === 'a') throw failure
        return 'removed'
      },
    },
    log: createLog({ scrubber: new Scrubber(), level: 'silent' }),
    retiring: new Set<string>(),
  }
  const left = ['a', 'b', 'c'].map((name) => ({ id: name, name }))
  clearAway(deps as unknown as TurnDeps, left)
  await turnOfTheLoop()
  expect(deps.retiring.size).toBe(0)
  return tried
}

test('a registration that the forge does not let go keeps no other from being removed', async () => {
  expect(await cleared(new ForgeRefused('DELETE /runners/1', 403, 'no permission', null))).toEqual(['a', 'b', 'c'])
})

test('a forge that does not answer is not asked for the others', async () => {
  expect(await cleared(new ForgeUnreachable('DELETE /runners/1', 'ECONNRESET', null))).toEqual(['a'])
})
