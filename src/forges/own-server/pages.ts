import type { ForgeAnswer } from '../api.ts'

/** What Forgejo and Gitea give at most in their default settings (`[api] MAX_RESPONSE_ITEMS`); a server may give fewer. */
export const perPage = 50

/** Ends what would never end: 10,000 rows in full pages. */
const mostReads = 200

/** A list that shrank while it was read is read again so often. */
const mostAgain = 3

export interface Page<Row> {
  rows: readonly Row[]
  /** How many rows all pages have; null where the forge does not say. */
  total: number | null
}

export interface Listed<Row> {
  /** False when rows may be missing. */
  complete: boolean
  rows: readonly Row[]
}

/**
 * Reads numbered pages of Forgejo or Gitea, each row once. How long a page is tells nothing (the server's cap may be below
 * ours, and Gitea 1.25 has no order), so it ends with the count or with a page that brings nothing new. Rows move up when
 * one before them leaves, so when the count fell all is read again: rows that are gone must not make up for one that was missed.
 */
export async function allPages<Row extends { id: string }>(
  read: (page: number) => Promise<Page<Row>>,
): Promise<Listed<Row>> {
  const found = new Map<string, Row>()
  let before = 0
  let again = 0
  let page = 1
  for (let reads = 0; reads < mostReads; reads++) {
    const { rows, total } = await read(page)
    const known = found.size
    for (const row of rows) found.set(row.id, row)
    const fell = page > 1 && total !== null && total < before
    before = total ?? 0
    if (fell) {
      if (++again > mostAgain) break
      found.clear()
      page = 1
    } else if (total === null ? found.size === known : found.size >= total || rows.length === 0) {
      return { complete: total === null || found.size >= total, rows: [...found.values()] }
    } else page++
  }
  return { complete: false, rows: [...found.values()] }
}

/** How many rows a list has in all, by its header (Forgejo; Gitea for hooks). */
export function totalCount({ headers }: ForgeAnswer<unknown>): number | null {
  const written = headers['x-total-count']
  return written && /^\d+$/.test(written) ? Number(written) : null
}
