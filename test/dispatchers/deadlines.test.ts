import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createDeadlines } from '../../src/dispatchers/deadlines.ts'
import { handClock } from '../support/world.ts'

function kept(end: (id: string) => Promise<void> = async () => undefined) {
  const clock = handClock()
  const ended: string[] = []
  const deadlines = createDeadlines(clock, async (id) => {
    ended.push(id)
    await end(id)
  })
  const pass = async (ms: number) => {
    clock.pass(ms)
    await turnOfTheLoop()
  }
  return { clock, deadlines, ended, pass }
}

test('a runner is ended when its time is over, and not before', async () => {
  const { clock, deadlines, ended, pass } = kept()
  deadlines.keep('d1', clock.now() + 60_000)
  await pass(59_999)
  expect(ended).toEqual([])
  await pass(1)
  expect(ended).toEqual(['d1'])
})

test('one whose time is past is ended at once', async () => {
  const { clock, deadlines, ended } = kept()
  deadlines.keep('d1', clock.now() - 1)
  await turnOfTheLoop()
  expect(ended).toEqual(['d1'])
})

test('a runner that was told twice is ended once', async () => {
  const { clock, deadlines, ended, pass } = kept()
  for (let times = 0; times < 2; times++) deadlines.keep('d1', clock.now() + 1_000)
  await pass(1_000)
  expect(ended).toEqual(['d1'])
})

test('what could not be ended is tried again, after a second, then two', async () => {
  let failures = 2
  const { clock, deadlines, ended, pass } = kept(async () => {
    if (failures-- > 0) throw new Error('503')
  })
  deadlines.keep('d1', clock.now())
  await turnOfTheLoop()
  await pass(1_000)
  expect(ended).toHaveLength(2)
  await pass(1_999)
  expect(ended).toHaveLength(2)
  await pass(1)
  expect(ended).toHaveLength(3)
  await pass(3_600_000)
  expect(ended).toHaveLength(3)
})

test('one that ended by itself is left alone, and so is everything after the end of the service', async () => {
  const { clock, deadlines, ended, pass } = kept()
  deadlines.keep('d1', clock.now() + 1_000)
  deadlines.keep('d2', clock.now() + 1_000)
  deadlines.forget('d1')
  deadlines.close()
  await pass(2_000)
  expect(ended).toEqual([])
})

test('a time far beyond what a timer holds is waited for in steps', async () => {
  const { clock, deadlines, ended, pass } = kept()
  deadlines.keep('d1', clock.now() + 2 ** 31 + 5_000)
  await pass(2 ** 31 - 1)
  expect(ended).toEqual([])
  await pass(5_001)
  expect(ended).toEqual(['d1'])
})
