import { expect } from 'vitest'
import { forges, journey } from './stage.ts'
import { until } from './until.ts'

// The hook is looked after each five minutes.
const test = journey(120)

test.concurrent.for(forges)(
  'its webhook is made on $kind, kept, and made again; that of others is not touched',
  async (version, { stage }) => {
    const forge = await stage.forge(version)
    const { ground, hooks } = forge.world
    const foreign = hooks.create({
      scope: forge.scope,
      type: version.kind === 'github' ? 'web' : 'gitea',
      url: `http://127.0.0.1:${stage.port}/webhook/somebody-elses`,
      contentType: 'form',
      secret: '',
      events: ['push'],
      active: false,
      branchFilter: '',
      authorizationHeader: '',
      template: false,
    })
    const untouched = structuredClone(foreign)
    const configuration = {
      dispatcher: { url: 'http://127.0.0.1:1' },
      instances: [forge.instance({ poll_interval: '1h' })],
    }
    const ours = () => [...ground.hooks.values()].filter(({ id }) => id !== foreign.id)
    const first = await stage.start(configuration)
    await until('it is made', () => ours().length === 1)
    const [made] = ours()
    expect(made).toMatchObject({
      url: `http://127.0.0.1:${stage.port}/webhook/${forge.kind}`,
      contentType: 'json',
      secret: forge.secret,
      active: true,
      events: expect.arrayContaining([version.kind === 'forgejo' ? 'workflow_job_waiting' : 'workflow_job']),
    })
    const known = async (service: typeof first) => (await service.instance(forge.kind)).webhook.hook
    await until('it is told', () => known(first))
    expect(await known(first)).toMatchObject({ id: String(made?.id), done: 'created' })
    await first.stop()

    const second = await stage.start(configuration)
    await until('it is found again', async () => (await known(second))?.done === 'kept')
    expect(ours().map(({ id }) => id)).toEqual([made?.id])

    if (made) hooks.remove(made)
    await until('it is made again', () => ours().length === 1)
    expect(ours()[0]).toMatchObject({ secret: forge.secret, active: true, contentType: 'json' })
    await until('it is told again', async () => (await known(second))?.id === String(ours()[0]?.id))
    // Switched off by hand is put right, too.
    for (const hook of ours()) hooks.change(hook, { active: false, contentType: 'form' })
    await until('it is repaired', () => ours().every(({ active, contentType }) => active && contentType === 'json'))
    expect(ours()).toHaveLength(1)
    expect(ground.hooks.get(foreign.id)).toEqual(untouched)
  },
)

test.concurrent('with another secret a new webhook takes the place of the old one', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const { ground } = forge.world
  const dispatcher = await stage.dispatcher()
  const configuration = { dispatcher: { url: dispatcher.url }, instances: [forge.instance()] }
  const first = await stage.start(configuration)
  await until('it is made', () => ground.hooks.size === 1)
  await until('it is known', async () => (await first.instance('gitea')).webhook.hook)
  await first.stop()

  const rotated = stage.canaries.add('another-secret-that-is-long-enough')
  const instance = forge.instance({ webhook_secret: [rotated, forge.secret] })
  await stage.start({ ...configuration, instances: [instance] })
  await until('it is replaced', () => [...ground.hooks.values()].every(({ secret }) => secret === rotated))
  expect(ground.hooks.size).toBe(1)
  forge.push({})
  await until('its deliveries are taken', () => forge.courier.attempts.some(({ status }) => status === 202))
  await until('the dispatcher is asked', () => dispatcher.calls.length === 1)
})
