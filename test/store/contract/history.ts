import { expect } from 'vitest'
import type { Sample } from '../../../src/store/store.ts'
import { at } from '../../support/builders.ts'
import type { StoreTest } from '../../support/store.ts'

const minute = 60_000
const hour = 60 * minute

function aSample(over: Partial<Sample> = {}): Sample {
  return { at: at('12:00:00'), instance: '', target: '', queued: 1, booting: 2, idle: 3, busy: 4, max: 10, ...over }
}

export function historyContract(test: StoreTest): void {
  test('keeps a moment once, and adds up what an instance had then', async ({ store }) => {
    const all = aSample({ queued: 3, busy: 5 })
    const of = { instance: 'main', queued: 1, busy: 2, max: 4 }
    await store.sample([all, aSample({ ...of, target: 'linux' }), aSample({ ...of, target: 'windows' })])
    await store.sample([{ ...all, queued: 99 }])
    await store.sample([aSample({ at: at('12:00:30') })])
    const since = at('11:00:00')
    const counts = { at: at('12:00:00'), booting: 2, idle: 3 }
    expect((await store.history({ since }))[0]).toEqual({ ...counts, queued: 3, busy: 5, max: 10 })
    expect(await store.history({ instance: 'main', since })).toEqual([
      { at: at('12:00:00'), queued: 2, booting: 4, idle: 6, busy: 4, max: 8 },
      { at: at('12:00:30'), queued: 0, booting: 0, idle: 0, busy: 0, max: 0 },
    ])
    expect((await store.history({ instance: 'main', target: 'linux', since }))[0]).toEqual({
      ...counts,
      queued: 1,
      busy: 2,
      max: 4,
    })
    expect(await store.history({ since: at('12:00:01') })).toHaveLength(1)
  })

  test('keeps each moment of six hours, each tenth minute of a day, and nothing older', async ({ store }) => {
    const begin = at('00:00:00')
    const end = begin + 30 * hour
    for (let moment = begin; moment <= end; moment += 5 * minute) await store.sample([aSample({ at: moment })])
    const kept = (await store.history({ since: 0 })).map((one) => one.at)
    expect(kept[0]).toBe(end - 24 * hour)
    const [old, fine] = [kept.filter((one) => one < end - 6 * hour), kept.filter((one) => one >= end - 6 * hour)]
    expect(old.every((one) => one % (10 * minute) === 0)).toBe(true)
    expect([old.length, fine.length]).toEqual([18 * 6, 6 * 12 + 1])
  })
}
