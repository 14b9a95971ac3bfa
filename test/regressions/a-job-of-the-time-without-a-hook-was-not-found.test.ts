import { expect } from 'vitest'
import { journey } from '../journeys/stage.ts'
import { until } from '../journeys/until.ts'

// An hour in six seconds: the hook is looked after each hour.
const test = journey(600)

// GitHub lists the deliveries that it tried. Of the time in which the hook was gone or switched off there are none, so the beats that read
// deliveries back saw no gap, and of forty repositories one was looked at in an hour.
test.concurrent.for([
  { name: 'gone', lose: 'remove' },
  { name: 'switched off', lose: 'switch off' },
] as const)(
  'a job that was queued while the hook was $name is found once it is mended',
  async ({ lose }, { stage }) => {
    const forge = await stage.forge({ kind: 'github' })
    const { ground, hooks } = forge.world
    const [home] = ground.repositories.values()
    for (let index = 0; home && index < 38; index++) {
      const id = ground.next('repository')
      ground.repositories.set(id, { ...home, id, name: `anchor-${index}` })
    }
    const cloud = await stage.cloud(forge)
    const service = await stage.start({
      dispatcher: { url: cloud.url },
      instances: [
        forge.instance({
          scope: { level: 'organization', owner: 'harbour' },
          poll_interval: '30s',
          reconcile_interval: lose === 'remove' ? '0' : '5m',
          webhook_grace: '60s',
        }),
      ],
    })
    await until('the webhook is made', () => ground.hooks.size === 1)
    await service.look('github')
    const [first] = forge.push({ seconds: 30 })
    await until('it has run', () => first?.conclusion === 'success')
    await until('webhooks work', async () => (await service.instance('github')).mode === 'webhook')
    await until('its place is free', async () => (await service.list('dispatches?live=true')).length === 0)

    const [hook] = ground.hooks.values()
    if (hook && lose === 'remove') hooks.remove(hook)
    else if (hook) hooks.change(hook, { active: false })
    const [unheard] = forge.push({ seconds: 30 })
    await until('it is mended', () => [...ground.hooks.values()].some(({ active }) => active))
    await until('the job has run', () => unheard?.conclusion === 'success')
    expect(forge.deliveries(unheard).some(({ action }) => action === 'queued')).toBe(false)
  },
)
