import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { expect, vi } from 'vitest'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { journey } from '../journeys/stage.ts'
import { until } from '../journeys/until.ts'
import { aDeliveredJob, aDelivery } from '../support/builders.ts'
import { aTown, nothing, service } from './town.ts'

const test = journey(1)
vi.setConfig({ testTimeout: 600_000 })

const limitable = spawnSync('prlimit', ['--version']).status === 0 && process.platform === 'linux'
const limits = limitable ? '' : ' (skipped: there is no prlimit)'

function opened(port: number): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('error', () => undefined)
    socket.once('connect', () => resolve(socket))
  })
}

test.skipIf(!limitable)(
  `without a free file descriptor it lives on, and serves everybody when there are some again${limits}`,
  async ({ stage }) => {
    const town = await aTown(stage, { name: 'descriptors' })
    const run = service(town)
    const { publicUrl } = await run.ready()
    await town.hooked()
    const pid = String(run.child.pid)
    const limit = (count: string) => execFileSync('prlimit', ['--pid', pid, `--nofile=${count}:`])
    limit(String(readdirSync(`/proc/${pid}/fd`).length + 2))
    const idle = await Promise.all(Array.from({ length: 20 }, () => opened(stage.port)))
    // Announced to nobody, looked for in vain, asked for in vain.
    town.push()
    await stage.clock.sleep(4_500)
    expect(run.child.exitCode).toBeNull()
    for (const socket of idle) socket.destroy()
    limit('1024')
    await until('it answers again', () =>
      fetch(`${publicUrl}/healthz`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    )
    town.push()
    const rows = await town.settled(run)
    expect(town.judge(rows)).toEqual(nothing)
    expect(town.forge.world.ground.jobs.size).toBe(2)
  },
)

/** A look is held against all of them at once, which is some 3 kB for each. */
const jobs = 10_000

test(`with ${jobs} open jobs and little memory it starts, takes deliveries and starts runners up to max`, async ({
  stage,
}) => {
  const town = await aTown(stage, { name: 'memory', max: 5 })
  const store = await openSqliteStore({ path: `${stage.folder}/muster.db` })
  for (let begun = 0; begun < jobs; begun += 500) {
    const some = Array.from({ length: 500 }, (_, index) => {
      const job = aDeliveredJob({ id: String(1_000_000 + begun + index), queuedAt: Date.now() })
      return store.recordDelivery(aDelivery({ instance: 'gitea', receivedAt: Date.now(), jobs: [job] }))
    })
    await Promise.all(some)
  }
  await store.close()
  // A forge that does not answer: nothing is concluded from its not knowing of these jobs.
  town.forge.temper = 'fails'
  const run = service(town, { node: ['--max-old-space-size=128'] })
  const { adminUrl } = await run.ready()
  await until('as many runners as may be were asked for', () => town.starts.length === 5)
  for (let page = 0; page < 10; page++) expect((await fetch(`${adminUrl}/api/v1/jobs?limit=500`)).status).toBe(200)
  expect((await fetch(`${adminUrl}/readyz`)).status).toBe(200)
  expect(run.child.exitCode).toBeNull()
  expect(town.starts).toHaveLength(5)
  run.child.kill('SIGTERM')
  expect(await run.ended).toBe(0)
})
