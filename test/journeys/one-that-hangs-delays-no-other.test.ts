import { expect } from 'vitest'
import { journey } from './stage.ts'
import { jobLabels, type Temper } from './staged-forge.ts'
import { until } from './until.ts'

const test = journey()

const tempers: Temper[] = ['hangs', 'breaks', 'fails']

test.concurrent.for(tempers)('a forge that %s at start stops nothing', async (temper, { stage }) => {
  const ill = await stage.forge({ kind: 'gitea', version: '1.26' }, 'ill')
  const well = await stage.forge({ kind: 'github' }, 'well')
  const dispatcher = await stage.dispatcher()
  // The hook was made before; from now on the forge only sends.
  const hookOf = (url: string) => ({
    scope: ill.scope,
    type: 'gitea',
    url,
    contentType: 'json' as const,
    secret: ill.secret,
    events: ['workflow_job'],
    active: true,
    branchFilter: '',
    authorizationHeader: '',
    template: false,
  })
  ill.world.hooks.create(hookOf(`http://127.0.0.1:${stage.port}/webhook/ill`))
  ill.temper = temper
  const service = await stage.start({
    dispatcher: { url: dispatcher.url },
    instances: [ill.instance(), well.instance()],
  })
  expect(await fetch(`${service.adminUrl}/readyz`)).toMatchObject({ status: 200 })

  const [its] = well.push({})
  const [announced] = ill.push({})
  const asked = () => dispatcher.calls.map(({ job }) => job).sort()
  await until('both jobs are served', () => dispatcher.calls.length === 2)
  expect(asked()).toEqual([`ill/${announced?.id}`, `well/${its?.id}`])
  await until('the healthy one has looked', async () => (await service.instance('well')).last_look?.complete)
  const { last_look } = await service.instance('ill')
  expect(last_look?.complete ?? false).toBe(false)

  ill.loseNext()
  ill.temper = 'answers'
  if (temper === 'hangs') return
  const [unannounced] = ill.push({})
  await until('it is looked at again', () => asked().includes(`ill/${unannounced?.id}`))
  expect(dispatcher.calls).toHaveLength(3)
})

test.concurrent('a dispatcher that hangs delays no other', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const [hanging, good] = [await stage.dispatcher(), await stage.dispatcher()]
  hanging.behave(() => undefined)
  const service = await stage.start({
    dispatchers: { hanging: { url: hanging.url, launch_concurrency: 2 }, good: { url: good.url } },
    instances: [
      forge.instance({
        targets: [
          { name: 'slow', labels: ['slow'], dispatcher: 'hanging' },
          { name: 'linux', labels: ['linux'], dispatcher: 'good' },
        ],
      }),
    ],
  })
  const slow = Array.from({ length: 5 }, () => ({ labels: ['slow'] }))
  forge.push(...slow, { labels: jobLabels('gitea') })
  await until('the other serves its job', () => good.calls.length === 1)
  await until('the young calls are made', () => hanging.calls.length === 2)
  // No answer in `timeout`: the calls are kept open, and the next ones begin.
  await until('all five are asked for', () => hanging.calls.length === 5)
  const sent = await until('they are known as sent', async () => {
    const rows = (await service.dispatches()).filter(({ dispatcher }) => dispatcher === 'hanging')
    return rows.every(({ state }) => state === 'sent') && rows
  })
  expect(sent).toHaveLength(5)
  await until(
    'they are counted',
    async () => (await service.metric('muster_dispatches_total', { outcome: 'sent' })) >= 4,
  )
  expect(new Set(hanging.calls.map(({ job }) => job)).size).toBe(5)
})
