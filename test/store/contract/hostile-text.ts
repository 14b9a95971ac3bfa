import { expect } from 'vitest'
import { aDelivery, aDispatch, aJob } from '../../support/builders.ts'
import { ask, idsOf, type StoreTest, save } from '../../support/store.ts'

/** Names and labels as the author of a workflow may choose them; each would do harm if it were read as anything but text. */
const hostile = [
  "'; DROP TABLE jobs; --",
  '" OR ""="',
  "' OR 1=1 /*",
  '%',
  '_',
  '$1',
  '?',
  ':name',
  '\\',
  "\\'",
  '{"a":1}',
  '__proto__',
  'constructor',
  'line\nbreak\ttab',
  'ESC \u001b[31m \u202e turned',
  'null',
  '💣'.repeat(100),
]

export function hostileTextContract(test: StoreTest): void {
  test('keeps any text as it is, and takes none for a part of its own language', async ({ store }) => {
    const jobs = hostile.map((text) => aJob({ id: text, labels: [text], repository: `acme/${text}` }))
    await save(store, { jobs, dispatches: hostile.map((id) => aDispatch({ id })) })
    const kept = await store.jobs({ limit: 100 })
    expect(idsOf(kept.items)).toEqual(hostile)
    expect(kept.items.map(({ labels }) => labels)).toEqual(hostile.map((text) => [text]))
    expect((await store.dispatches({ limit: 100 })).items.map(({ id }) => id).toSorted()).toEqual(hostile.toSorted())
  })

  test('asks for just what was named, whatever it is called', async ({ store }) => {
    await save(store, { jobs: [aJob({ id: 'innocent' }), ...hostile.map((id) => aJob({ id }))] })
    for (const text of hostile) {
      expect((await store.job('main', text))?.id).toBe(text)
      expect(await store.job(text, 'innocent')).toBeNull()
      expect((await store.jobs({ limit: 10, instance: text })).items).toEqual([])
      expect((await store.jobs({ limit: 10, target: text })).items).toEqual([])
    }
  })

  test('takes deliveries under any id, each once', async ({ store }) => {
    for (const id of hostile) {
      expect(await store.recordDelivery(aDelivery({ id }))).toBe('recorded')
      expect(await store.recordDelivery(aDelivery({ id }))).toBe('duplicate')
    }
    expect(await store.facts('main', ask({ since: 0 }))).toBeDefined()
  })

  // PostgreSQL has no NUL in a text, and half a character is no UTF-8: what stands for them may be kept in their place.
  test('keeps what holds characters that some databases do not have', async ({ store }) => {
    const text = 'before\u0000behind\ud800'
    await save(store, { jobs: [aJob({ id: '1', name: text, labels: [text], repository: `acme/${text}` })] })
    const job = await store.job('main', '1')
    expect(job?.labels[0]).toMatch(/^before.*behind.*$/s)
    expect(job?.name).toMatch(/^before.*behind.*$/s)
  })
}
