/** GitHub's most. */
export const perPage = 100

/** More than any list that GitHub allows (10,000 runners in a group); it ends what would never end. */
const mostReads = 300

export interface Listed<Row> {
  /** False when rows may be missing. */
  complete: boolean
  rows: readonly Row[]
}

export interface CountedPage<Row> {
  total: number
  rows: readonly Row[]
}

/**
 * Reads every page of a list that tells its `total_count`. Pages are numbered, so rows move up when one before them leaves meanwhile:
 * a total that shrank sends us back by as much. `limit` is where the list ends although its total goes on.
 */
export async function countedPages<Row extends { id: string }>(
  read: (page: number) => Promise<CountedPage<Row>>,
  limit = Number.POSITIVE_INFINITY,
): Promise<Listed<Row>> {
  const found = new Map<string, Row>()
  const rows = () => [...found.values()]
  let before = 0
  let page = 1
  for (let reads = 0; reads < mostReads; reads++) {
    const { total, rows: some } = await read(page)
    for (const row of some) found.set(row.id, row)
    const moved = page === 1 ? 0 : Math.max(0, before - total)
    before = total
    if (moved > 0) page = Math.max(1, page - Math.ceil(moved / perPage))
    else if (some.length === 0 || page * perPage >= Math.min(total, limit)) {
      return { complete: total < limit && found.size >= total, rows: rows() }
    } else page++
  }
  return { complete: false, rows: rows() }
}

/** Reads every page of a list that is a bare array: `Link` says whether another follows, and where it is missing a full page may have one. */
export async function linkedPages<Row>(
  read: (page: number) => Promise<{ value: readonly Row[]; headers: Readonly<Record<string, string>> }>,
): Promise<Listed<Row>> {
  const rows: Row[] = []
  for (let page = 1; page <= mostReads; page++) {
    const { value, headers } = await read(page)
    rows.push(...value)
    const more = headers.link ? /rel="?next"?/.test(headers.link) : value.length >= perPage
    if (!more) return { complete: true, rows }
  }
  return { complete: false, rows }
}
