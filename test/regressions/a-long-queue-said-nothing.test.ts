import { journey } from '../journeys/stage.ts'
import { until } from '../journeys/until.ts'

const test = journey(30)

// A turn without a look reads only the oldest jobs of each target: those behind them had no verdict until the next look.
test('every job of a long queue says why it waits, with and without a target', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const targets = [{ name: 'linux', labels: ['linux'], max: 1, boot_timeout: '1h', ttl: '4h' }]
  const instance = forge.instance({ targets, disable_polling: true, reconcile_interval: 0 })
  const service = await stage.start({ dispatcher: { url: dispatcher.url }, instances: [instance] })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  await service.look('gitea')
  forge.push(...Array.from({ length: 250 }, (_, index) => ({ name: `job ${index}` })))
  forge.push(...Array.from({ length: 250 }, (_, index) => ({ name: `odd ${index}`, labels: ['nobody-has-it'] })))
  await until('all are known', async () => (await service.jobs()).length === 500)
  await until('all say why', async () => (await service.jobs()).every(({ verdict }) => verdict !== null))
})
