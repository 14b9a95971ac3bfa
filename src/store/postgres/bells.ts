import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { connect, end, schema } from './connection.ts'
import { channel } from './writer.ts'

/** Milliseconds between two tries to listen again. */
const pause = 1_000
/** Milliseconds after which a connection that says nothing is asked whether it still is one. */
const silence = 15_000

/**
 * Hears the bells that other processes ring, on a connection of its own. While it is away bells are missed, so that once it is back every
 * instance is rung.
 */
export async function hearBells(
  url: string,
  ring: (instance: string, connection: number) => void,
): Promise<() => void> {
  const closing = new AbortController()
  const first = await listen()
  void keep(first)
  return () => closing.abort()

  async function listen(): Promise<{ client: pg.Client; lost: AbortSignal }> {
    const loss = new AbortController()
    const client = await connect(url, () => loss.abort())
    client.on('notification', ({ payload, processId }) => {
      if (payload !== undefined) ring(payload, processId)
    })
    await client.query(`LISTEN ${channel}`)
    return { client, lost: loss.signal }
  }

  async function keep({ client, lost }: { client: pg.Client; lost: AbortSignal }): Promise<void> {
    const over = AbortSignal.any([closing.signal, lost])
    while (!over.aborted) {
      await sleep(silence, undefined, { signal: over, ref: false }).catch(() => undefined)
      if (!over.aborted && !(await answers(client))) break
    }
    end(client)
    if (!closing.signal.aborted) await again()
  }

  async function again(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        const next = await listen()
        const { rows } = await next.client.query<{ name: string }>(`SELECT name FROM ${schema}.instances`)
        for (const { name } of rows) ring(name, -1)
        return void keep(next)
      } catch {
        // The server is away; whoever writes or reads says so.
        await sleep(pause, undefined, { signal: closing.signal, ref: false }).catch(() => undefined)
      }
    }
  }
}

function answers(client: pg.Client): Promise<boolean> {
  return client.query('SELECT 1').then(
    () => true,
    () => false,
  )
}
