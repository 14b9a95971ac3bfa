import type { Scope } from '../../core/scope.ts'
import { path } from '../api.ts'
import { readingOf } from '../delivery.ts'
import { ForgeRefused } from '../errors.ts'
import type { Reading, Recovered, RecoveryQuery } from '../forge.ts'
import type { GithubApi } from './client.ts'
import { exactly } from './exact-json.ts'
import { perPage } from './pages.ts'
import type { Place } from './place.ts'
import { atOnce } from './runs.ts'
import { type Delivery, deliveries, delivery } from './schema.ts'
import { readWatermark, type Watermark, writeWatermark } from './watermark.ts'
import { readEvent } from './webhook.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** A delivery may be listed so much later than its time says: it is made when it begins, and listed when it has ended. */
const overlap = 5 * minute

/** At the first time: what was lost while nobody listened is found by the first look, this is for a restart without a state. */
const firstReach = hour

/** Reads of one call, pages and deliveries together; what is left comes with the next beat. */
const mostReads = 200

/** Of these at most so many pages, so that something is read back in any case. */
const mostPages = 100

export interface RecoveryDesk {
  api: GithubApi
  place: Place
  scope: Scope
  /** Epoch milliseconds by GitHub's clock, as its last answer told it. */
  now: () => number
  /** One of `retentions`. */
  retention: number
  signal: AbortSignal
}

/** How long deliveries are kept, milliseconds (docs.github.com, and the pages of Enterprise Server 3.17). */
export const retentions = { hosted: 3 * day, server: 7 * day } as const

/**
 * Reads back what our hook failed to deliver. GitHub never tries again by itself. Its list has no filter by time and its filter by
 * status says nothing of connections that failed, so it is read from the newest on down to the watermark (docs.github.com,
 * "Automatically redelivering failed deliveries for a repository webhook"). Only what was tried is listed.
 */
export async function recoverDeliveries(desk: RecoveryDesk, query: RecoveryQuery): Promise<Recovered> {
  const before = readWatermark(query.since)
  const ours = before?.hook === query.hook ? before : null
  const listed = await listSince(desk, query.hook, ours)
  // GitHub does not know the hook any more: what it kept went with it.
  if (listed === null) return { readings: [], watermark: null, gap: true }
  const lost = await undelivered(listed.rows, query.received)
  const { readings, missing, stoppedAt } = await readAll(desk, query.hook, lost, mostReads - listed.reads)
  const tooOld = ours !== null && listed.at - ours.at > desk.retention
  return {
    readings,
    // Not that of the newest: a hook that is quiet over a weekend would look like one whose deliveries are forgotten.
    watermark: writeWatermark(
      { hook: query.hook, at: stoppedAt?.delivered_at ?? listed.at },
      (stoppedAt ?? listed.rows[0])?.id ?? null,
    ),
    gap: tooOld || missing || !listed.whole || (query.since !== null && ours === null),
  }
}

interface Listed {
  /** Newest first. */
  rows: readonly Delivery[]
  /** It reaches down to the floor, or to the oldest that there is. */
  whole: boolean
  reads: number
  /** When it was read, by GitHub's clock. */
  at: number
}

async function listSince(desk: RecoveryDesk, hook: string, since: Watermark | null): Promise<Listed | null> {
  let page = await readPage(desk, hook, null)
  const at = desk.now()
  const floor = since ? since.at - overlap : at - firstReach
  const rows: Delivery[] = []
  for (let reads = 1; page !== null; reads++) {
    rows.push(...page.rows.filter(({ delivered_at }) => delivered_at >= floor))
    const whole = page.next === null || page.rows.some(({ delivered_at }) => delivered_at < floor)
    if (whole || reads >= mostPages) return { rows, whole, reads, at }
    page = await readPage(desk, hook, page.next)
  }
  return null
}

async function readPage({ api, place, signal }: RecoveryDesk, hook: string, cursor: string | null) {
  try {
    const { value, headers } = await api.call(
      {
        path: `${place.path}${path`/hooks/${hook}/deliveries`}`,
        query: { per_page: perPage, ...(cursor !== null && { cursor }) },
        parse: exactly,
        answer: deliveries,
        needs: place.needs.hooks,
      },
      signal,
    )
    return { rows: value, next: cursorOf(headers.link) }
  } catch (error) {
    if (error instanceof ForgeRefused && error.status === 404) return null
    throw error
  }
}

/** Where the list goes on: only its `Link` tells. */
function cursorOf(link: string | undefined): string | null {
  for (const [, url = '', rel] of (link ?? '').matchAll(/<([^>]*)>;\s*rel="?(\w+)"?/g)) {
    if (rel === 'next') return URL.parse(url)?.searchParams.get('cursor') ?? null
  }
  return null
}

/** One row of each job event that no attempt brought to us and that did not come in any other way, oldest first. */
async function undelivered(rows: readonly Delivery[], received: RecoveryQuery['received']): Promise<Delivery[]> {
  const jobs = rows.filter(({ event }) => event === 'workflow_job')
  const arrived = new Set(jobs.filter(({ status }) => status === 'OK').map(({ guid }) => guid))
  // The oldest attempt of each: it says when the event was.
  const failed = new Map(jobs.filter(({ guid }) => !arrived.has(guid)).map((row) => [row.guid, row]))
  const ids = [...failed.keys()]
  const have = ids.length === 0 ? new Set<string>() : await received(ids)
  const due = [...failed.values()].filter(({ guid }) => !have.has(guid))
  return due.toReversed().sort((a, b) => a.delivered_at - b.delivered_at)
}

interface ReadBack {
  readings: Reading[]
  /** Some are known to have been, and cannot be had any more. */
  missing: boolean
  /** The first that was not read for want of reads; null when all were. */
  stoppedAt: Delivery | null
}

async function readAll(desk: RecoveryDesk, hook: string, lost: readonly Delivery[], most: number): Promise<ReadBack> {
  const due = lost.slice(0, most)
  const readings: Reading[] = []
  let missing = false
  for (let from = 0; from < due.length; from += atOnce) {
    const rows = due.slice(from, from + atOnce)
    const read = await Promise.allSettled(rows.map((row) => readBack(desk, hook, row)))
    for (const [index, result] of read.entries()) {
      if (result.status === 'fulfilled' && result.value) readings.push(result.value)
      else if (result.status === 'fulfilled') missing = true
      // What was read before is not read twice.
      else if (readings.length > 0) return { readings, missing, stoppedAt: rows[index] ?? null }
      else throw result.reason
    }
  }
  return { readings, missing, stoppedAt: lost[most] ?? null }
}

/** Null when GitHub has it no more, or kept no payload. */
async function readBack(
  { api, place, scope, signal }: RecoveryDesk,
  hook: string,
  row: Delivery,
): Promise<Reading | null> {
  try {
    const { value } = await api.call(
      {
        path: `${place.path}${path`/hooks/${hook}/deliveries/${row.id}`}`,
        answer: delivery,
        needs: place.needs.hooks,
      },
      signal,
    )
    const { payload } = value.request
    if (payload === null || payload === undefined) return null
    const about = { id: row.guid, event: row.event, secret: null }
    return readingOf(readEvent(row.event, payload, scope), about)
  } catch (error) {
    if (error instanceof ForgeRefused && error.status === 404) return null
    throw error
  }
}
