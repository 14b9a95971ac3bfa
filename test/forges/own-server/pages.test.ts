import { expect, test } from 'vitest'
import { allPages, type Page } from '../../../src/forges/own-server/pages.ts'

const rows = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => ({ id: String(from + index) }))

const ids = (list: readonly { id: string }[]) => list.map(({ id }) => Number(id)).sort((a, b) => a - b)

/** A list of which the server gives `cap` rows a page; after the n-th read it is the n-th of these. */
function server({ cap, counts = true }: { cap: number; counts?: boolean }, ...lists: { id: string }[][]) {
  const asked: number[] = []
  const read = async (page: number): Promise<Page<{ id: string }>> => {
    const list = lists[Math.min(asked.length, lists.length - 1)] ?? []
    asked.push(page)
    return { rows: list.slice((page - 1) * cap, page * cap), total: counts ? list.length : null }
  }
  return { asked, read }
}

test('a server that gives less than was asked for is read to its last page', async () => {
  const { asked, read } = server({ cap: 7 }, rows(1, 20))
  expect(await allPages(read)).toEqual({ complete: true, rows: rows(1, 20) })
  expect(asked).toEqual([1, 2, 3])
})

test('a server that does not count is read until a page brings nothing new, however short its pages are', async () => {
  const { asked, read } = server({ cap: 7, counts: false }, rows(1, 20))
  expect(await allPages(read)).toEqual({ complete: true, rows: rows(1, 20) })
  expect(asked).toEqual([1, 2, 3, 4])
})

// Forgejo and Gitea list the webhooks of an administrator so.
test('a server that gives all of an uncounted list with each page is not read for ever', async () => {
  const list = await allPages(async () => ({ rows: rows(1, 3), total: null }))
  expect(list).toEqual({ complete: true, rows: rows(1, 3) })
})

test('a list from which a row leaves meanwhile is read again, so that none is missed', async () => {
  const { asked, read } = server({ cap: 2 }, rows(1, 4), rows(2, 4))
  const list = await allPages(read)
  expect(list.complete).toBe(true)
  expect(ids(list.rows)).toEqual([2, 3, 4])
  expect(asked).toEqual([1, 2, 1, 2])
})

test('a list that shrinks whenever it is read is incomplete in the end', async () => {
  let left = 100
  const list = await allPages(async (page) => ({ rows: rows(page, page), total: --left }))
  expect(list.complete).toBe(false)
})

test('a list that counts more than it holds is incomplete', async () => {
  expect(await allPages(async (page) => ({ rows: page === 1 ? rows(1, 3) : [], total: 4 }))).toEqual({
    complete: false,
    rows: rows(1, 3),
  })
})

test('a list that never ends is left, incomplete', async () => {
  let read = 0
  const list = await allPages(async () => ({ rows: rows(++read, read), total: null }))
  expect(list.complete).toBe(false)
  expect(read).toBeLessThan(1_000)
})
