import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { openSqliteStore } from '../src/store/sqlite.ts'
import { aDeliveredJob, aDelivery } from '../test/support/builders.ts'
import { aQueuedJob, headersOf, post } from './deliveries.ts'
import { row } from './figures.ts'
import { openPlace } from './service.ts'

const rounds = 2
const open = 10_000
/** Of those: acknowledged, and without a runner when the process was killed. */
const uncovered = 100

const program = fileURLToPath(new URL('../bin/muster.js', import.meta.url))

/** From the start of a process that finds what a killed one left, until it answers, and until it has asked for the first and the last runner that is owed. */
export async function recoveryBench(): Promise<void> {
  console.log(`recovery: a start with ${open} open jobs, ${uncovered} of them without a runner`)
  const figures = { answered: [] as number[], first: [] as number[], last: [] as number[] }
  for (let round = 0; round <= rounds; round++) {
    const took = await recover()
    // The first one compiles.
    if (round === 0) continue
    for (const name of ['answered', 'first', 'last'] as const) figures[name].push(took[name])
  }
  row('start → first 202', figures.answered)
  row('start → first runner asked for', figures.first)
  row('start → last of them asked for', figures.last)
  console.log()
}

async function recover(): Promise<{ answered: number; first: number; last: number }> {
  const asked = new Map<string | undefined, number>()
  const all = Promise.withResolvers<void>()
  const place = await openPlace((job) => {
    if (!asked.has(job)) asked.set(job, performance.now())
    if (asked.size === uncovered) all.resolve()
  })
  await leave(place.state)
  const began = performance.now()
  const child = spawn(process.execPath, [program, '--config', place.file], { stdio: ['ignore', 'ignore', 'pipe'] })
  const port = await listening(child)
  const { id, body } = aQueuedJob()
  await post(port, '/webhook/bench', body, headersOf(body, `recovery-${id}`))
  const answered = performance.now() - began
  await all.promise
  const times = [...asked.values()].map((at) => at - began)
  // In peace, so that Node keeps what it has compiled for the next one.
  child.kill('SIGTERM')
  await once(child, 'close')
  place.close()
  return { answered, first: Math.min(...times), last: Math.max(...times) }
}

/** What a process leaves behind that was killed. */
async function leave(path: string): Promise<void> {
  const store = await openSqliteStore({ path })
  const receivedAt = Date.now()
  const recorded = Array.from({ length: open }, (_, index) => {
    const state = index < uncovered ? ('queued' as const) : ('running' as const)
    const job = aDeliveredJob({ id: String(index + 1), state, queuedAt: receivedAt, runnerName: null })
    return store.recordDelivery(aDelivery({ instance: 'bench', receivedAt, jobs: [job] }))
  })
  await Promise.all(recorded)
  await store.close()
}

function listening(child: ChildProcess): Promise<number> {
  let text = ''
  return new Promise((resolve, reject) => {
    child.once('close', () => reject(new Error(`it did not start: ${text}`)))
    child.stderr?.on('data', (chunk) => {
      text += chunk
      const line = text.split('\n').find((one) => one.endsWith('"muster is ready"}'))
      if (line) resolve((JSON.parse(line) as { port: number }).port)
    })
  })
}
