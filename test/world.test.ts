import { expect, onTestFinished, test } from 'vitest'
import { openParts } from '../src/parts.ts'
import { World } from '../src/world.ts'
import { load } from './config/written.ts'

const instance = (name: string, dispatcher: string) => ({
  name,
  gitea: { base_url: 'http://127.0.0.1:9', token: `token-of-${name}` },
  scope: { level: 'organization', owner: name },
  targets: [{ name: 'linux', labels: ['linux'], dispatcher }],
})

/** A world that is not started: nothing is asked of anybody. */
async function aWorld(configuration: object) {
  const config = load(JSON.stringify({ state: 'sqlite::memory:', ...configuration }))
  const parts = await openParts(config, { logLevel: 'silent', env: {} })
  const world = new World(parts)
  onTestFinished(async () => {
    await world.close()
    await parts.store.close()
  })
  const adopt = (other: object) => world.adopt(world.prepare(load(JSON.stringify({ ...configuration, ...other }))))
  world.adopt(world.prepare(config))
  return { world, adopt }
}

const dispatchers = { near: { url: 'http://127.0.0.1:7' }, far: { url: 'http://127.0.0.1:8' } }

test('what did not change is the same afterwards: lanes with their calls, workers with what they learned', async () => {
  const { world, adopt } = await aWorld({ dispatchers, instances: [instance('one', 'near'), instance('two', 'far')] })
  const before = {
    lane: world.lanes.get('near'),
    place: world.lanes.get('near')?.place,
    worker: world.workers.get('one'),
  }
  adopt({ max_body: '2MiB', dispatchers: { ...dispatchers, near: { ...dispatchers.near, timeout: '3s' } } })
  const lane = world.lanes.get('near')
  expect({ lane, place: lane?.place, worker: world.workers.get('one') }).toEqual(before)
  expect(lane?.settings.timeout).toBe(3_000)
})

test('a dispatcher that is configured no more is let go', async () => {
  const { world, adopt } = await aWorld({ dispatchers, instances: [instance('one', 'near'), instance('two', 'far')] })
  adopt({ dispatchers: { near: dispatchers.near }, instances: [instance('one', 'near')] })
  expect([...world.lanes.keys()]).toEqual(['near'])
})

test('what was prepared changes nothing until it is adopted', async () => {
  const { world } = await aWorld({ dispatchers, instances: [instance('one', 'near')] })
  const { config } = world
  const prepared = world.prepare(load(JSON.stringify({ dispatchers, instances: [instance('two', 'far')] })))
  expect(world.config).toBe(config)
  expect([...world.workers.keys()]).toEqual(['one'])
  world.adopt(prepared)
  expect(world.config.instances.map(({ name }) => name)).toEqual(['two'])
})
