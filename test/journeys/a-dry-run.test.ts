import { expect } from 'vitest'
import { aJobEvent, deliver } from './hand-made-delivery.ts'
import { journey } from './stage.ts'

const test = journey()

test('a dry run decides, tells it once, and starts nothing: no runner, no webhook', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const service = await stage.start({
    dry_run: true,
    dispatcher: { url: dispatcher.url },
    instances: [forge.instance({ targets: [{ labels: ['self-hosted', 'linux'], min_idle: 1 }] })],
  })
  const payload = aJobEvent()
  await deliver(`${service.publicUrl}/webhook/gitea`, {
    kind: 'gitea',
    event: 'workflow_job',
    payload,
    secret: forge.secret,
  })
  await service.look('gitea')
  await service.look('gitea')

  expect(await service.job('gitea', payload.workflow_job.id)).toMatchObject({ verdict: 'dispatching', dispatches: 0 })
  expect(await service.dispatches()).toEqual([])
  expect(dispatcher.calls).toEqual([])
  expect(forge.world.ground.hooks.size).toBe(0)
  const told = service.log.filter((line) => line.includes('dry run')).map((line) => JSON.parse(line).wanted)
  expect(told.at(-1)).toContainEqual({ target: 'self-hosted+linux', job: `${payload.workflow_job.id}/1` })
  expect(new Set(told.map((wanted) => JSON.stringify(wanted))).size).toBe(told.length)
})
