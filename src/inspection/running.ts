import { z } from 'zod'
import type { Config } from '../config/config.ts'
import { createHttpClient, type HttpAnswer, HttpFailed } from '../http-client.ts'

const moment = z.string().nullable()
const instance = z.object({
  name: z.string(),
  webhook: z
    .object({
      last_delivery_at: moment,
      secrets: z.array(z.object({ source: z.string(), uses: z.int(), last_used_at: moment })),
    })
    .nullable(),
})
const instances = z.object({ items: z.array(instance), next: z.string().nullable() })
const dispatches = z.object({ items: z.array(z.object({ id: z.string() })), next: z.string().nullable() })

export type RunningInstance = z.output<typeof instance>

/** The service that runs on this configuration, as its admin listener tells. */
export interface Running {
  instances: ReadonlyMap<string, RunningInstance>
  /** Ids of the dispatches that are not gone. */
  live: ReadonlySet<string>
}

/** Somebody listens there, but what is asked for cannot be had. */
export class RunningUnreadable extends Error {
  override readonly name = 'RunningUnreadable'
}

/** Asks the service that runs here. Null where none listens; rejects with `RunningUnreadable` where it does not tell. */
export async function running({ admin }: Pick<Config, 'admin'>): Promise<Running | null> {
  const { host, port } = admin.listen
  const base = new URL(`http://${host.includes(':') ? `[${host}]` : host || '127.0.0.1'}:${port}`)
  const token = admin.tokens[0]?.token.reveal()
  const client = createHttpClient({ keepAlive: false })

  async function ask(path: string): Promise<HttpAnswer> {
    const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {}
    return client.send({ method: 'GET', url: new URL(path, base), headers, deadline: 5_000 })
  }

  async function all<Row>(path: string, schema: z.ZodType<{ items: Row[]; next: string | null }>): Promise<Row[]> {
    const rows: Row[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { status, body } = await ask(`${path}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)
      const page = status === 200 ? schema.safeParse(JSON.parse(body)) : null
      if (!page?.success)
        throw new RunningUnreadable(`${base.origin}${path} answers with ${status}, not as Muster does`)
      rows.push(...page.data.items)
      cursor = page.data.next
    }
    return rows
  }

  try {
    const named = (await all('/api/v1/instances?limit=500', instances)).map((one) => [one.name, one] as const)
    const live = await all('/api/v1/dispatches?limit=500&live=true', dispatches)
    return { instances: new Map(named), live: new Set(live.map(({ id }) => id)) }
  } catch (error) {
    if (error instanceof HttpFailed && !error.sent) return null
    if (error instanceof RunningUnreadable) throw error
    throw new RunningUnreadable(`${base.origin} does not answer as Muster does: ${(error as Error).message}`)
  } finally {
    client.close()
  }
}
