import { expect } from 'vitest'
import { signed } from '../../src/simulation/http/deliver.ts'
import type { ForgeVersion } from '../../src/simulation/versions.ts'
import { dialects } from './dialects.ts'
import { journey } from './stage.ts'
import { until } from './until.ts'

// The hook is looked after each hour.
const test = journey(1_200)

test.concurrent.for(dialects)(
  'its webhook is made on $name, kept, and made again; that of others is not touched',
  async ({ version, tells }, { stage }) => {
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
      events: expect.arrayContaining([jobEvent(version, tells)]),
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

test.concurrent.for(dialects)(
  'with another secret first, the webhook on $name gets it, and what the old one signed is still taken',
  async ({ version, tells }, { stage }) => {
    const forge = await stage.forge(version)
    const { ground } = forge.world
    const dispatcher = await stage.dispatcher()
    const configuration = { dispatcher: { url: dispatcher.url }, instances: [forge.instance()] }
    const first = await stage.start(configuration)
    await until('it is made', () => ground.hooks.size === 1)
    const [made] = ground.hooks.values()
    const old = structuredClone(made)
    await until('it is known', async () => (await first.instance(forge.kind)).webhook.hook)
    await first.stop()

    const rotated = stage.canaries.add('another-secret-that-is-long-enough')
    const instance = forge.instance({ webhook_secret: [rotated, forge.secret] })
    await stage.start({ ...configuration, instances: [instance] })
    await until('it has the new one', () => [...ground.hooks.values()].every(({ secret }) => secret === rotated))
    expect(ground.hooks.size).toBe(1)

    const [job] = forge.push({})
    const delivery = await until('it is delivered', () => forge.deliveries(tells ? job : undefined).at(-1))
    await until('its delivery is taken', () =>
      forge.courier.attempts.some(({ delivery: { id }, status }) => id === delivery.id && status === 202),
    )
    const { url, headers, body } = signed(forge.world, { ...delivery, id: 'one-of-before' }, old ?? made!)
    expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(202)
    await until('the dispatcher is asked', () => dispatcher.calls.length === 1)
  },
)

/** What its hook has to ask for first of all. */
function jobEvent({ kind }: ForgeVersion, tells: boolean): string {
  if (kind !== 'forgejo') return 'workflow_job'
  return tells ? 'workflow_job_waiting' : 'push'
}
