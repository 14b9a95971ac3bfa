import { expect, test } from 'vitest'
import { countedPages, linkedPages } from '../../../src/forges/github/pages.ts'

const rows = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => ({ id: String(from + index) }))

const page = (list: { id: string }[], number: number) => ({
  total: list.length,
  rows: list.slice((number - 1) * 100, number * 100),
})

/** A list from which rows leave between the pages: after the n-th read it is the n-th of these. */
function changing(...lists: { id: string }[][]) {
  let read = 0
  const asked: number[] = []
  const ask = async (number: number) => {
    asked.push(number)
    return page(lists[Math.min(read++, lists.length - 1)] ?? [], number)
  }
  return { ask, asked }
}

const ids = (list: readonly { id: string }[]) => list.map(({ id }) => Number(id)).sort((a, b) => a - b)

test('no row is missed when one of the first page leaves before the second is read', async () => {
  const { ask, asked } = changing(rows(1, 150), rows(2, 150))
  const list = await countedPages(ask)
  expect(list.complete).toBe(true)
  expect(ids(list.rows)).toEqual(ids(rows(1, 150)))
  expect(asked).toEqual([1, 2, 1, 2])
})

test('a list that shrinks by two pages sends us back by two', async () => {
  const { ask, asked } = changing(rows(1, 450), rows(1, 450), rows(1, 450), rows(151, 450))
  const list = await countedPages(ask)
  expect(asked.slice(0, 5)).toEqual([1, 2, 3, 4, 2])
  expect(ids(list.rows)).toEqual(ids(rows(1, 450)))
})

test('a list that counts more than it holds is incomplete', async () => {
  const list = await countedPages(async () => ({ total: 4, rows: rows(1, 3) }))
  expect(list).toMatchObject({ complete: false, rows: rows(1, 3) })
})

test('a list that never ends is left, incomplete', async () => {
  let read = 0
  const list = await countedPages(async (number) => ({ total: 1_000_000, rows: rows(++read, read + number) }))
  expect(list.complete).toBe(false)
  expect(read).toBeLessThan(1_000)
})

test('a list as long as its limit is incomplete, and not read beyond it', async () => {
  const { ask, asked } = changing(rows(1, 1_200))
  const list = await countedPages(ask, 1_000)
  expect(list.complete).toBe(false)
  expect(list.rows).toHaveLength(1_000)
  expect(asked).toHaveLength(10)
})

test('a bare list goes on as its link says, also behind a page that is not full', async () => {
  const pages = [rows(1, 97), rows(98, 150)]
  const list = await linkedPages(async (number) => ({
    value: pages[number - 1] ?? [],
    headers: { link: number === 1 ? '<https://api.github.com/x?page=2>; rel="next"' : '<…?page=1>; rel="prev"' },
  }))
  expect(list).toEqual({ complete: true, rows: rows(1, 150) })
})

test('a bare list without links goes on behind a full page', async () => {
  const pages = [rows(1, 100), rows(101, 200), []]
  const list = await linkedPages(async (number) => ({ value: pages[number - 1] ?? [], headers: {} }))
  expect(list).toEqual({ complete: true, rows: rows(1, 200) })
})
