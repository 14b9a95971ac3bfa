import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { serve } from '../../src/server/listen.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { until } from '../journeys/until.ts'
import { anEvent, at } from '../support/builders.ts'
import { anAdminWorld } from './admin-world.ts'

/** The admin listener over a real store, and on the wire. */
async function aWorld() {
  const store = await openSqliteStore({ path: ':memory:' })
  const { app, stopping } = anAdminWorld({ store, clock: systemClock })
  const listener = await serve(app, { host: '127.0.0.1', port: 0, clock: systemClock })
  const url = `http://127.0.0.1:${listener.port}/api/v1/events`
  return {
    store,
    stopping,
    ask: (query = '', headers: Record<string, string> = {}) => fetch(url + query, { headers }),
    async end() {
      await listener.close()
      await store.close()
    },
  }
}

const asStream = { accept: 'text/event-stream' }

test('events are filtered by what they are about, by type and by time', async () => {
  const { store, ask, end } = await aWorld()
  await store.append([
    anEvent({ type: 'job_queued', job: { id: '1', round: 1 } }),
    anEvent({ type: 'job_queued', job: { id: '1', round: 2 }, at: at('12:01:00') }),
    anEvent({ type: 'dispatch_sent', dispatch: 'd-1', job: { id: '1', round: 2 }, at: at('12:02:00') }),
    anEvent({ type: 'runner_busy', runner: 'muster-1', target: 'linux', at: at('12:03:00') }),
    anEvent({ type: 'paused', instance: 'other', at: at('12:04:00') }),
  ])
  const ids = async (query: string) => {
    const { items } = (await (await ask(query)).json()) as { items: { id: string }[] }
    return items.map(({ id }) => id).join(' ')
  }
  expect(await ids('')).toBe('5 4 3 2 1')
  expect(await ids('?instance=main&job=1')).toBe('3 2 1')
  expect(await ids('?instance=main&job=1&round=2')).toBe('3 2')
  expect(await ids('?dispatch=d-1')).toBe('3')
  expect(await ids('?instance=main&runner=muster-1')).toBe('4')
  expect(await ids('?target=linux')).toBe('4')
  expect(await ids('?type=paused,job_queued')).toBe('5 2 1')
  expect(await ids('?since=2026-03-02T12:02:00Z')).toBe('5 4 3')
  expect(await ids('?until=2026-03-02T13:02:00%2B01:00')).toBe('2 1')
  expect(await ids('?after=3')).toBe('4 5')
  await end()
})

test('a stream on the wire begins at once, is not kept by caches and proxies, and goes on after Last-Event-ID', async () => {
  const { store, ask, end } = await aWorld()
  await store.append([anEvent(), anEvent({ type: 'job_running' }), anEvent({ type: 'job_finished' })])
  const answer = await ask('?after=2', { ...asStream, 'last-event-id': '1' })
  expect(answer.status).toBe(200)
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    vary: 'Accept',
  })
  let text = ''
  for await (const chunk of answer.body ?? []) {
    text += Buffer.from(chunk).toString()
    if (text.includes('id: 3')) break
  }
  expect([...text.matchAll(/"type":"(\w+)"/g)].map(([, type]) => type)).toEqual(['job_running', 'job_finished'])
  await end()
})

test('a stop ends the streams, and the listener does not wait for them', async () => {
  const { ask, stopping, end } = await aWorld()
  const answer = await ask('', asStream)
  stopping.abort()
  expect(await answer.text()).toBe('retry: 1000\n\n')
  expect((await ask('', asStream)).status).toBe(503)
  await end()
})

test('a client that goes away leaves its place to others', async () => {
  const { ask, end } = await aWorld()
  const clients = await Promise.all(Array.from({ length: 100 }, () => ask('', asStream)))
  const refused = await ask('', asStream)
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10'])
  await Promise.all(clients.map((client) => client.body?.cancel()))
  await until('there is room', async () => {
    const answer = await ask('', asStream)
    await answer.body?.cancel()
    return answer.status === 200
  })
  await end()
})

test.each(['?cursor=1', '?until=2026-03-02T12:00:00Z', '?after=soon', '?type=nothing'])(
  'a stream with %s is refused, and the problem says why',
  async (query) => {
    const { ask, end } = await aWorld()
    const answer = await ask(query, asStream)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([400, 'application/problem+json'])
    expect(((await answer.json()) as { detail: string }).detail).toMatch(/cursor|until|id|type/)
    await end()
  },
)
