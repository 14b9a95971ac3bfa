import { expect, test } from 'vitest'
import { createGate } from '../../../src/forges/github/gate.ts'

/** Work that ends when a test says so. */
function works(count: number, gate: ReturnType<typeof createGate>) {
  const begun: number[] = []
  const ends: ((error?: Error) => void)[] = []
  const all = Array.from({ length: count }, (_, index) =>
    gate(
      () =>
        new Promise<number>((resolve, reject) => {
          begun.push(index)
          ends[index] = (error) => (error ? reject(error) : resolve(index))
        }),
    ),
  )
  return { begun, ends, all }
}

const settled = () => new Promise(setImmediate)

test('so many are let in at once, the others one by one as there is room, in their order', async () => {
  const { begun, ends } = works(4, createGate(2))
  await settled()
  expect(begun).toEqual([0, 1])
  ends[1]?.()
  await settled()
  expect(begun).toEqual([0, 1, 2])
  ends[0]?.()
  ends[2]?.()
  await settled()
  expect(begun).toEqual([0, 1, 2, 3])
})

test('work that fails gives its place up too', async () => {
  const { begun, ends, all } = works(2, createGate(1))
  await settled()
  ends[0]?.(new Error('no'))
  await expect(all[0]).rejects.toThrow('no')
  await settled()
  expect(begun).toEqual([0, 1])
  ends[1]?.()
  expect(await all[1]).toBe(1)
})

test('a place that nobody waited for is free for the next', async () => {
  const gate = createGate(1)
  for (const one of [1, 2, 3]) expect(await gate(async () => one)).toBe(one)
})
