import type { Context, Hono } from 'hono'
import type { Delivery } from '../outbox.ts'
import type { Hook } from '../state.ts'
import { record } from './body.ts'
import { type Attempt, signed } from './deliver.ts'
import type { Asker } from './github-access.ts'
import type { GithubHost } from './github-host.ts'
import { hookPlaces, notFound, withOne } from './github-scope.ts'
import type { Site } from './site.ts'

/** One row of the list: an attempt that ended. */
interface Row {
  id: bigint
  delivery: Delivery
  at: number
  redelivery: boolean
  status: number | null
}

/** Since February 2026 their ids are beyond 2^53. */
const firstId = 3_804_004_623_172_239_366n

/** Past deliveries of a hook: listed, read whole and sent once more, for as long as they are kept. */
export function mountDeliveries(api: Hono<Asker>, site: Site, host: GithubHost): void {
  const rowsOf = createRows(site)
  for (const { base, level } of hookPlaces) {
    const kept = ({ id }: Hook) =>
      rowsOf()
        .filter(({ delivery, at }) => delivery.hookId === id && at + host.ahead > host.now() - host.retention)
        .map((row) => ({ ...row, at: row.at + host.ahead }))
    const at = (answer: (c: Context, hook: Hook) => Response) =>
      withOne(site, level, (scope, id) => site.forge.hooks.find(scope, Number(id)), answer)

    api.get(
      `${base}/hooks/:id/deliveries`,
      at((c, hook) => {
        const asked = Number(c.req.query('per_page') ?? 30)
        const cursor = c.req.query('cursor')
        const size = Math.min(100, Math.max(1, asked || 30))
        const rows = kept(hook).filter(({ id }) => cursor === undefined || `v1_${id}` === cursor || id < idOf(cursor))
        const page = rows.slice(0, size)
        const next = rows[size]
        if (next) {
          const url = new URL(c.req.url)
          url.searchParams.set('cursor', `v1_${next.id}`)
          c.header('link', `<${url}>; rel="next"`)
        }
        return c.json(page.map(itemJson))
      }),
    )
    api.get(
      `${base}/hooks/:id/deliveries/:delivery`,
      at((c, hook) => {
        const row = kept(hook).find(({ id }) => String(id) === c.req.param('delivery'))
        return row ? c.json(wholeJson(site, hook, row)) : notFound(c)
      }),
    )
    api.post(
      `${base}/hooks/:id/deliveries/:delivery/attempts`,
      at((c, hook) => {
        const row = kept(hook).find(({ id }) => String(id) === c.req.param('delivery'))
        if (!row) return notFound(c)
        const { fault, ...delivery } = row.delivery
        site.forge.outbox.put({ ...delivery, madeAt: site.forge.ground.clock.now() })
        return c.json({}, 202)
      }),
    )
  }
}

function idOf(cursor: string): bigint {
  return /^v1_\d+$/.test(cursor) ? BigInt(cursor.slice(3)) : 0n
}

/** What the courier tried, and what was lost on its way, newest first. Each gets its id when it is first seen here. */
function createRows(site: Site): () => readonly Row[] {
  const rows: Row[] = []
  const known = new Set<Attempt | Delivery>()
  const guids = new Set<string>()

  function add(key: Attempt | Delivery, row: Omit<Row, 'id' | 'redelivery'>): void {
    known.add(key)
    rows.unshift({ id: firstId + BigInt(rows.length), redelivery: guids.has(row.delivery.id), ...row })
    guids.add(row.delivery.id)
  }

  return () => {
    const lost = site.forge.outbox.made
      .filter((delivery) => delivery.fault === 'lose' && !known.has(delivery))
      .map((delivery) => ({ key: delivery, row: { delivery, at: delivery.madeAt, status: null } }))
    const tried = (site.attempts?.() ?? [])
      .filter((attempt) => !known.has(attempt))
      .map((attempt) => ({ key: attempt, row: { ...attempt } }))
    const fresh = [...lost, ...tried].sort((a, b) => a.row.at - b.row.at)
    for (const { key, row } of fresh) add(key, row)
    return rows
  }
}

function itemJson({ id, delivery, at, redelivery, status }: Row) {
  const { event, action, payload } = delivery
  const repository = record(record(payload).repository)
  return {
    id: rawJson(String(id)),
    guid: delivery.id,
    delivered_at: new Date(at).toISOString(),
    redelivery,
    duration: 0.03,
    status: statusText(status),
    status_code: status ?? 502,
    event,
    action,
    installation_id: null,
    repository_id: typeof repository.id === 'number' ? repository.id : null,
    throttled_at: null,
  }
}

function wholeJson(site: Site, hook: Hook, row: Row) {
  const { url, headers } = signed(site.forge, row.delivery, hook)
  return {
    ...itemJson(row),
    url,
    request: { headers, payload: row.delivery.payload },
    response: { headers: {}, payload: '' },
  }
}

function statusText(status: number | null): string {
  if (status === null) return 'failed to connect to host'
  return status < 300 ? 'OK' : `Invalid HTTP Response: ${status}`
}

/** A number with all its digits, which no JavaScript number has. */
function rawJson(digits: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(digits)
}
