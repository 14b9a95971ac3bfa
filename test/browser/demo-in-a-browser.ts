import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/clock.ts'
import { randomId } from '../../src/ids.ts'
import type { WrittenJob } from '../../src/simulation/jobs.ts'
import { startWorld, type World } from '../../src/simulation/world.ts'
import { freePort } from '../support/free-port.ts'
import { type RunningService, startService } from '../support/service.ts'

export const tokens = { read: 'a-token-that-may-read', operate: 'a-token-that-may-operate' }

export interface DemoInABrowser {
  world: World
  service: RunningService
  url: string
  /** Queues jobs at a forge of the world; its webhook tells Muster. */
  push(forge: 'forgejo' | 'gitea' | 'github', jobs: readonly WrittenJob[]): void
  end(): Promise<void>
}

/** The world of the demo with no story: the real service on simulated forges, and what happens is up to the test. */
export async function startDemo({ guarded = false } = {}): Promise<DemoInABrowser> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-browser-'))
  const world = await startWorld({ clock: systemClock, ids: randomId, seed: 1, story: { title: 'none', scenes: [] } })
  const port = await freePort()
  const configuration = {
    listen: `127.0.0.1:${port}`,
    admin: {
      listen: '127.0.0.1:0',
      ...(guarded && { tokens: Object.entries(tokens).map(([role, token]) => ({ name: `${role}er`, role, token })) }),
    },
    state: `sqlite:${join(folder, 'muster.db')}`,
    dispatchers: {
      default: { kind: 'process', command: world.runnerCommand, work_dir: join(folder, 'runners') },
    },
    instances: world.forges.map(({ kind, url, token, secret, scope, labels }) => ({
      name: kind,
      [kind]: { base_url: url, token },
      scope,
      poll_interval: '3s',
      reconcile_interval: '10s',
      webhook_secret: secret,
      webhook: { url: `http://127.0.0.1:${port}/webhook/${kind}` },
      targets: [{ labels, ttl: '2m', boot_timeout: '20s', idle_timeout: '3s', max: 4 }],
    })),
  }
  const service = await startService(configuration, { folder, clock: systemClock, sampling: 1_000 })
  return {
    world,
    service,
    url: service.adminUrl,
    push(kind, jobs) {
      const { forge } = world.forges.find((one) => one.kind === kind)!
      const [home] = [...forge.ground.repositories.values()]
      forge.jobs.push({ repository: `${home?.owner}/${home?.name}`, jobs })
    },
    async end() {
      await service.stop()
      await world.close()
      await rm(folder, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}
