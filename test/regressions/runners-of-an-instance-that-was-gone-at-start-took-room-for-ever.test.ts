import { expect } from 'vitest'
import { journey } from '../journeys/stage.ts'
import { until } from '../journeys/until.ts'

// An instance that went from the configuration while no process ran has no worker: its dispatches counted at their dispatcher for ever.
const test = journey(60)

test('a slot of an instance that was gone at the start is freed after twice its ttl', async ({ stage }) => {
  const gone = await stage.forge({ kind: 'gitea', version: '1.26' }, 'gone')
  const stays = await stage.forge({ kind: 'gitea', version: '1.26' }, 'stays')
  const dispatcher = await stage.dispatcher()
  const limited = { dispatcher: { url: dispatcher.url, max_parallel: 1 } }
  const targets = [{ labels: ['linux'], ttl: '2m' }]
  const before = await stage.start({ ...limited, instances: [gone.instance({ targets })] })
  gone.push({})
  await until('its runner is asked for', () => dispatcher.calls.length === 1)
  await before.stop()

  const service = await stage.start({ ...limited, instances: [stays.instance({ targets })] })
  const [job] = stays.push({})
  await until('there is no room', async () => (await service.job('stays', job!.id)).verdict === 'full')
  await until('the room is free', () => dispatcher.calls.length === 2)
  const events = await service.list('events?instance=gone')
  expect(events.map(({ type }) => type)).toContain('freed_without_proof')
})
