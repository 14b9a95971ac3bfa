import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createLog } from '../../src/log.ts'
import { Scrubber } from '../../src/secret.ts'
import type { TurnDeps } from '../../src/worker/deps.ts'
import { retire } from '../../src/worker/retire.ts'
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
    lanes: new Map([['default', { dispatcher: { stop: stopped } }]]),
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
