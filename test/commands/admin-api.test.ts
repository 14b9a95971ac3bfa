import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { runningService } from '../../src/commands/admin-api.ts'
import { serve } from '../../src/server/listen.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { until } from '../journeys/until.ts'
import { anAdminWorld, anInstance } from '../server/admin-world.ts'
import { anEvent } from '../support/builders.ts'

const endings: (() => unknown)[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const end of endings.splice(0).reverse()) await end()
})

async function aRunningService(world: Parameters<typeof anAdminWorld>[0] = {}) {
  const store = await openSqliteStore({ path: ':memory:' })
  const { app, stopping } = anAdminWorld({ store, clock: systemClock, ...world })
  const listener = await serve(app, { host: '127.0.0.1', port: 0, clock: systemClock })
  endings.push(() => listener.close())
  const url = `http://127.0.0.1:${listener.port}`
  return { store, url, stopping, listener }
}

function ask(given: Parameters<typeof runningService>[0]) {
  const service = runningService(given)
  endings.push(() => service.close())
  return service
}

test('a list is read page by page, as far as it is wanted', async () => {
  const instances = Array.from({ length: 1_203 }, (_, index) => anInstance({ name: `i${index}` }))
  const { url } = await aRunningService({ instances })
  const service = ask({ url })
  expect((await service.list<{ name: string }>('instances', 5_000)).at(-1)?.name).toBe('i1202')
  expect(await service.list('instances', 7)).toHaveLength(7)
  expect(await service.list('targets?instance=i3', 7)).toHaveLength(1)
})

test('the token comes from the variable that is named, and who lacks one is told what to do', async () => {
  const { url } = await aRunningService({ tokens: { read: 'token-of-a-reader' } })
  await expect(ask({ url }).get('jobs')).rejects.toThrow(/answers 401: .*--token-env/)
  vi.stubEnv('MY_TOKEN', 'token-of-a-reader')
  expect(await ask({ url, 'token-env': 'MY_TOKEN' }).get('jobs')).toMatchObject({ items: [] })
  expect(() => ask({ url, 'token-env': 'NOT_THERE' })).toThrow('the variable NOT_THERE is not set')
})

test('each event is heard, until the service stops', async () => {
  const { store, url, stopping } = await aRunningService()
  const heard = vi.fn<() => void>()
  const following = ask({ url }).follow(heard, new AbortController().signal)
  const append = async () => {
    await store.append([anEvent()])
    return heard.mock.calls.length > 0
  }
  await until('the first is heard', append)
  stopping.abort()
  await following
})

test('who listens can leave', async () => {
  const { url } = await aRunningService()
  const leaving = new AbortController()
  const following = ask({ url }).follow(() => undefined, leaving.signal)
  await systemClock.sleep(20)
  leaving.abort()
  await expect(following).rejects.toThrow()
})

test('a service that is not there is told with its address', async () => {
  const { url, listener } = await aRunningService()
  await listener.close()
  await expect(ask({ url }).get('jobs')).rejects.toThrow(`no muster answers at ${url} (ECONNREFUSED)`)
})
