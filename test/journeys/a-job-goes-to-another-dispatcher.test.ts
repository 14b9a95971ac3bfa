import { expect } from 'vitest'
import { journey, type Stage } from './stage.ts'
import { say, started } from './staged-dispatcher.ts'
import { until } from './until.ts'

const test = journey()

async function twoDispatchers(stage: Stage, home: object = {}, cloud: object = {}) {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const [near, far] = [await stage.dispatcher(), await stage.dispatcher()]
  const service = await stage.start({
    dispatchers: { home: { url: near.url, ...home }, cloud: { url: far.url, ...cloud } },
    instances: [
      forge.instance({ targets: [{ name: 'linux', labels: ['linux'], dispatcher: 'home', fallback: ['cloud'] }] }),
    ],
  })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  await service.look('gitea')
  return { forge, near, far, service }
}

test.concurrent('what one dispatcher refuses is asked of the next at once, and the job says so', async ({ stage }) => {
  const { forge, near, far, service } = await twoDispatchers(stage)
  near.behave((_, answer) => say(answer, 503, { error: 'no machines are left' }))
  const [job] = forge.push({})
  await until('the other was asked', () => far.calls.length === 1)
  expect(near.calls).toHaveLength(1)
  const told = await until('it is covered', async () => {
    const now = await service.job('gitea', job?.id ?? 0)
    return now.verdict === 'covered' && now
  })
  expect(told).toMatchObject({ reason: 'fallback_refused', dispatcher: 'cloud', dispatches: 1 })
})

test.concurrent('what has no room at one dispatcher is asked of the next in the same turn', async ({ stage }) => {
  const { forge, near, far, service } = await twoDispatchers(stage, { max_parallel: 1 })
  forge.push({}, {}, {})
  await until('three runners were asked for', () => near.calls.length + far.calls.length === 3)
  expect(near.calls).toHaveLength(1)
  const jobs = await until('all are covered', async () => {
    const all = await service.jobs()
    return all.every(({ verdict }) => verdict === 'covered') && all
  })
  expect(jobs.map(({ reason, dispatcher }) => `${dispatcher} ${reason}`).sort()).toEqual([
    'cloud fallback_max_parallel',
    'cloud fallback_max_parallel',
    'home null',
  ])
})

test.concurrent('what has room at none of them waits, and says so', async ({ stage }) => {
  const { forge, near, far, service } = await twoDispatchers(stage, { max_parallel: 1 }, { max_parallel: 1 })
  forge.push({}, {}, {})
  const kept = await until('one is kept back', async () =>
    (await service.jobs()).find(({ verdict }) => verdict === 'full'),
  )
  expect(kept).toMatchObject({ reason: 'max_parallel', dispatcher: 'cloud', dispatches: 0 })
  expect([near.calls.length, far.calls.length]).toEqual([1, 1])
})

test.concurrent('what may have been started is not asked of another', async ({ stage }) => {
  const { forge, near, far, service } = await twoDispatchers(stage)
  near.behave((_, answer) => answer.destroy())
  const [job] = forge.push({})
  await until('the answer was lost', async () => (await service.dispatches())[0]?.state === 'unknown')
  await service.look('gitea')
  expect(far.calls).toEqual([])
  expect(await service.job('gitea', job?.id ?? 0)).toMatchObject({ verdict: 'covered', dispatcher: 'home' })
  near.behave((_, answer) => started(answer, 'home-2'))
})
