import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { verify } from '@octokit/webhooks-methods'
import { Hono } from 'hono'
import { aQueuedJob, headersOf, post, secret } from './deliveries.ts'
import { median, row } from './figures.ts'
import { startService } from './service.ts'

const rounds = 5
const perRound = 400
const together = 8

/** How long a delivery waits for its answer, and what the durable record costs over a server that only verifies and forgets. */
export async function intakeBench(): Promise<void> {
  console.log(`intake: ${rounds} rounds of ${perRound} signed deliveries, ${together} at once`)
  await aloneBench()
  const service = await startService()
  const forgetful = await forgetfulServer()
  const ours: number[] = []
  const theirs: number[] = []
  const ratios: number[] = []
  for (let round = 0; round < rounds; round++) {
    const durable = await deliver(service.app.publicPort)
    const forgotten = await deliver(forgetful.port)
    ours.push(...durable)
    theirs.push(...forgotten)
    ratios.push(median(durable) / median(forgotten))
  }
  row('Muster: verified, recorded with fsync, 202', ours)
  row('verify and forget, on the same stack', theirs)
  console.log(`  ratio of the medians, by round: ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')}\n`)
  forgetful.close()
  await service.stop()
}

/** On a service of its own: jobs never end here, and thousands of live dispatches would be measured with it. */
async function aloneBench(): Promise<void> {
  const service = await startService()
  row('Muster, one delivery at a time', (await deliver(service.app.publicPort, 1)).slice(0, 200))
  await service.stop()
}

/** One round of deliveries, and how long each waited for its answer. Milliseconds. */
export async function deliver(port: number, atOnce = together): Promise<number[]> {
  const took: number[] = []
  const one = async () => {
    const { id, body } = aQueuedJob()
    const answer = await post(port, '/webhook/bench', body, headersOf(body, `bench-${id}`))
    if (answer.status !== 202) throw new Error(`answered ${answer.status}`)
    took.push(answer.took)
  }
  for (let sent = 0; sent < perRound; sent += atOnce) await Promise.all(Array.from({ length: atOnce }, one))
  return took
}

async function forgetfulServer() {
  const app = new Hono().post('/webhook/bench', async (c) => {
    const good = await verify(secret, await c.req.text(), c.req.header('x-hub-signature-256') ?? '-')
    return c.text('', good ? 202 : 401)
  })
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  await new Promise((resolve) => server.once('listening', resolve))
  return { port: (server.address() as AddressInfo).port, close: () => server.close() }
}
