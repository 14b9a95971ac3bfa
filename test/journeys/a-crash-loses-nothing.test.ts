import { expect } from 'vitest'
import { aJobEvent, deliver } from './hand-made-delivery.ts'
import { muster, musterOnFullDisk, written } from './muster-process.ts'
import { journey, type Stage } from './stage.ts'
import { type Behaviour, type DispatchCall, started } from './staged-dispatcher.ts'
import type { StagedForge } from './staged-forge.ts'
import { until } from './until.ts'

const test = journey(1)

async function rows(adminUrl: string, path: string): Promise<{ id: string; state: string }[]> {
  const answer = await fetch(`${adminUrl}/api/v1/${path}`)
  const { items }: { items: { id: string; state: string }[] } = JSON.parse(await answer.text())
  return items
}

/** Delivered and answered with 202, by the ids of their jobs. */
function answered({ courier }: StagedForge): string[] {
  const good = courier.attempts.filter(({ status, delivery }) => status === 202 && delivery.jobId !== null)
  return [...new Set(good.map(({ delivery }) => String(delivery.jobId)))]
}

/** A dispatcher whose runner comes at once and takes a job, and is slow to say so: its answer is easily lost in a crash. */
function startsRunners(stage: Stage, forge: StagedForge, calls: readonly DispatchCall[]): Behaviour {
  return async (_, answer) => {
    const name = `cloud-${calls.length}`
    forge.take(forge.runner(name))
    await stage.clock.sleep(50)
    started(answer, name)
  }
}

test.concurrent('killed again and again under a stream of deliveries, it serves each job with exactly one runner', async ({
  stage,
}) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  dispatcher.behave(startsRunners(stage, forge, dispatcher.calls))
  const targets = [{ labels: ['linux'], max: 100, boot_timeout: '4s', ttl: '10m' }]
  await written(stage, {
    listen: `127.0.0.1:${stage.port}`,
    admin: { listen: '127.0.0.1:0' },
    state: `sqlite:${stage.folder}/muster.db`,
    dispatcher: { url: dispatcher.url },
    instances: [forge.instance({ targets })],
  })
  let pushed = 0
  for (const round of [1, 2, 3]) {
    const run = muster(stage)
    const { adminUrl } = await run.ready()
    const known = (await rows(adminUrl, 'jobs?limit=500')).map(({ id }) => id)
    expect(known).toEqual(expect.arrayContaining(answered(forge)))
    await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
    const enough = answered(forge).length + 5 * round
    while (answered(forge).length < enough) {
      forge.push({ name: `job-${++pushed}` })
      await stage.clock.sleep(15)
    }
    run.child.kill('SIGKILL')
    expect(await run.ended).toBe('SIGKILL')
  }

  const last = muster(stage)
  const { adminUrl } = await last.ready()
  expect((await rows(adminUrl, 'jobs?limit=500')).map(({ id }) => id)).toEqual(expect.arrayContaining(answered(forge)))
  const jobs = [...forge.world.ground.jobs.values()]
  await until('every job runs', () => jobs.every(({ status }) => status === 'running'))
  // Past boot_timeout nothing is taken for a runner that is still to come.
  await stage.clock.sleep(4_500)
  expect(jobs).toHaveLength(pushed)
  expect(dispatcher.calls).toHaveLength(pushed)
  expect(new Set(dispatcher.calls.map(({ headers }) => headers['idempotency-key'])).size).toBe(pushed)
  expect(new Set(jobs.map(({ runner }) => runner?.name)).size).toBe(pushed)
  last.child.kill('SIGTERM')
  expect(await last.ended).toBe(0)
}, 60_000)

test.concurrent('while the disk is full a delivery is answered 503, and never 2xx', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  await written(stage, {
    listen: `127.0.0.1:${stage.port}`,
    admin: { listen: '127.0.0.1:0' },
    state: `sqlite:${stage.folder}/muster.db`,
    dry_run: true,
    instances: [forge.instance({ disable_polling: true })],
  })
  const full = musterOnFullDisk(stage, 1000)
  const { publicUrl, adminUrl } = await full.ready()
  const taken: string[] = []
  const refused = await until('a delivery is refused', async () => {
    const payload = aJobEvent()
    const delivery = { kind: 'gitea', event: 'workflow_job', payload, secret: forge.secret } as const
    const answer = await deliver(`${publicUrl}/webhook/gitea`, delivery)
    if (answer.status === 202) taken.push(String(payload.workflow_job.id))
    return answer.status !== 202 && answer
  })
  expect(refused.status).toBe(503)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(taken.length).toBeGreaterThan(0)
  expect((await fetch(`${publicUrl}/healthz`)).status).toBe(200)
  await until('it is not ready', async () => (await fetch(`${adminUrl}/readyz`)).status === 503)
  full.child.kill('SIGKILL')
  await full.ended

  const roomy = muster(stage)
  const { adminUrl: again } = await roomy.ready()
  expect((await rows(again, 'jobs?limit=500')).map(({ id }) => id).sort()).toEqual(taken.slice(0, 500).sort())
})
