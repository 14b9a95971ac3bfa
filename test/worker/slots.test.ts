import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Slots } from '../../src/worker/slots.ts'

test('as many hold a slot as there are; the next gets the first that is given back, however often that is done', async () => {
  const slots = new Slots(2)
  const order: string[] = []
  const give = await Promise.all([slots.take(), slots.take()])
  for (const name of ['c', 'd']) void slots.take().then(() => order.push(name))
  await turnOfTheLoop()
  expect(order).toEqual([])
  give[0]?.()
  give[0]?.()
  await turnOfTheLoop()
  expect(order).toEqual(['c'])
})

test('a slot given back when nobody waits is there for the next', async () => {
  const slots = new Slots(1)
  const give = await slots.take()
  give()
  give()
  await slots.take()
  const third = slots.take().then(() => 'taken')
  expect(await Promise.race([third, turnOfTheLoop('full')])).toBe('full')
})
