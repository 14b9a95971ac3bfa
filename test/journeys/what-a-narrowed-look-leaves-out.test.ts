import { expect } from 'vitest'
import { journey, type Stage } from './stage.ts'
import { until } from './until.ts'

const test = journey(60)

/** A GitHub whose webhooks work, and a job of it that is over. */
async function afterWork(stage: Stage) {
  const forge = await stage.forge({ kind: 'github' })
  const cloud = await stage.cloud(forge)
  const service = await stage.start({
    dispatcher: { url: cloud.url },
    instances: [forge.instance({ reconcile_interval: '1h', poll_interval: '30s' })],
  })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  await service.look('github')
  const [job] = forge.push({ seconds: 1 })
  await until('it has run', () => job?.conclusion === 'success')
  await until('webhooks work', async () => (await service.instance('github')).mode === 'webhook')
  await until('its end is known', async () => (await service.job('github', job?.id ?? 0)).state === 'finished')
  const before = forge.requests.length
  const asksForRuns = () => forge.requests.slice(before).some((one) => one.includes('/actions/runs?status=queued'))
  return { forge, service, job, asksForRuns }
}

test.concurrent('a look that an operator asks for leaves nothing out', async ({ stage }) => {
  const { service, asksForRuns } = await afterWork(stage)
  await service.look('github')
  expect(asksForRuns()).toBe(true)
})

test.concurrent('the look that is owed for a job called queued again asks for its repository', async ({ stage }) => {
  const { forge, job, asksForRuns } = await afterWork(stage)
  const [queued] = forge.deliveries(job).filter(({ action }) => action === 'queued')
  if (queued) await forge.redeliver(queued, 'another-id')
  await until('its runs are asked for', asksForRuns)
})
