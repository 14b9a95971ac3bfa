import { expect, test } from 'vitest'
import { harmless, seededChoices, tapedChoices } from '../../src/simulation/choices.ts'
import { createOutbox, type Delivery, type FaultKind, type FaultRates } from '../../src/simulation/outbox.ts'

const aDelivery = (id: string, over: Partial<Delivery> = {}): Delivery => ({
  id,
  hookId: 1,
  event: 'workflow_job',
  action: 'queued',
  jobId: 1,
  payload: {},
  madeAt: 0,
  fault: null,
  ...over,
})
const withFault = (kind: FaultKind, id: string) => {
  const outbox = createOutbox({ choices: harmless })
  outbox.order({ kind, matches: (delivery) => delivery.id === id })
  return outbox
}
const ids = (deliveries: readonly Delivery[]) => deliveries.map(({ id }) => id)

test('a delivery is due at once, and taken once', () => {
  const outbox = createOutbox({ choices: harmless })
  outbox.put(aDelivery('a'))
  expect(outbox.nextAt()).toBe(0)
  expect(ids(outbox.take(0))).toEqual(['a'])
  expect(outbox.take(0)).toEqual([])
  expect(outbox.nextAt()).toBeNull()
})

test('a lost delivery is never due, but was made', () => {
  const outbox = withFault('lose', 'a')
  outbox.put(aDelivery('a'))
  expect(outbox.nextAt()).toBeNull()
  expect(outbox.made).toMatchObject([{ id: 'a', fault: 'lose' }])
})

test('a duplicate comes a second time under the same id', () => {
  const outbox = withFault('duplicate', 'a')
  outbox.put(aDelivery('a'))
  expect(ids(outbox.take(0))).toEqual(['a'])
  expect(ids(outbox.take(outbox.nextAt()!))).toEqual(['a'])
})

test('a delayed delivery comes later', () => {
  const outbox = withFault('delay', 'a')
  outbox.put(aDelivery('a'))
  expect(outbox.take(0)).toEqual([])
  expect(ids(outbox.take(outbox.nextAt()!))).toEqual(['a'])
})

test('a reordered delivery comes after the next one of its hook', () => {
  const outbox = withFault('reorder', 'a')
  outbox.put(aDelivery('a'))
  outbox.put(aDelivery('elsewhere', { hookId: 2 }))
  expect(ids(outbox.take(0))).toEqual(['elsewhere'])
  outbox.put(aDelivery('b', { madeAt: 10 }))
  expect(ids(outbox.take(10))).toEqual(['b'])
  expect(outbox.nextAt()).toBeLessThan(1_000)
  expect(ids(outbox.take(1_000))).toEqual(['a'])
})

test('an ordered fault befalls one delivery only', () => {
  const outbox = createOutbox({ choices: harmless })
  outbox.order({ kind: 'lose', matches: () => true })
  outbox.put(aDelivery('a'))
  outbox.put(aDelivery('b'))
  expect(ids(outbox.take(0))).toEqual(['b'])
})

test('the choice 0 and a tape that has run out mean no fault, whatever the rates', () => {
  const outbox = createOutbox({ choices: tapedChoices([0]), rates: { lose: 50, duplicate: 49 } })
  outbox.put(aDelivery('a'))
  outbox.put(aDelivery('b'))
  expect(outbox.made.map(({ fault }) => fault)).toEqual([null, null])
})

test('the same seed meets the same faults, at about their rates', () => {
  const rates: FaultRates = { lose: 20, duplicate: 10 }
  const faults = (seed: number) => {
    const outbox = createOutbox({ choices: seededChoices(seed), rates })
    for (let i = 0; i < 1_000; i++) outbox.put(aDelivery(String(i)))
    return outbox.made.map(({ fault }) => fault)
  }
  const first = faults(7)
  expect(faults(7)).toEqual(first)
  expect(faults(8)).not.toEqual(first)
  const lost = first.filter((fault) => fault === 'lose').length
  expect(lost).toBeGreaterThan(150)
  expect(lost).toBeLessThan(250)
})
