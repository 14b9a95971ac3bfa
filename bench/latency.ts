import { aQueuedJob, headersOf, post } from './deliveries.ts'
import { row } from './figures.ts'
import { startService } from './service.ts'

const deliveries = 200

/** From the first byte of a webhook to the first byte of the dispatch request, one job after the other. */
export async function latencyBench(): Promise<void> {
  console.log(`latency: ${deliveries} webhooks, one at a time, to a dispatcher that accepts at once`)
  const arrived = new Map<string, () => void>()
  const service = await startService({ onDispatch: (job) => job && arrived.get(job)?.() })
  const took: number[] = []
  for (let sent = 0; sent < deliveries; sent++) {
    const { id, body } = aQueuedJob()
    const dispatched = new Promise<void>((resolve) => arrived.set(`bench/${id}`, resolve))
    const began = performance.now()
    await post(service.app.publicPort, '/webhook/bench', body, headersOf(body, `bench-${id}`))
    await dispatched
    took.push(performance.now() - began)
  }
  row('webhook → dispatch request', took)
  console.log()
  await service.stop()
}
