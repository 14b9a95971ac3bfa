import { anAdminWorld } from '../test/server/admin-world.ts'
import { aCrowd } from '../test/support/crowd.ts'
import { row } from './figures.ts'

const rounds = 30

/** Each page of the dashboard, rendered and compressed, with 200 instances and 10,000 open jobs in the store. */
export async function dashboardBench(): Promise<void> {
  const crowd = await aCrowd()
  const { app } = anAdminWorld(crowd)
  console.log('dashboard: 200 instances, 600 targets, 10,000 open jobs, 1,800 runners')
  for (const path of [
    '/',
    '/jobs',
    '/jobs/instance-007/4',
    '/runners',
    '/dispatchers',
    '/events',
    '/instances/instance-007',
  ]) {
    const took: number[] = []
    let bytes = 0
    for (let round = 0; round < rounds; round++) {
      const began = performance.now()
      const answer = await app.request(path, { headers: { accept: 'text/html', 'accept-encoding': 'gzip' } })
      bytes = (await answer.arrayBuffer()).byteLength
      took.push(performance.now() - began)
    }
    row(`${path} (${(bytes / 1024).toFixed(1)} KiB on the wire)`, took)
  }
  await crowd.store.close()
}
