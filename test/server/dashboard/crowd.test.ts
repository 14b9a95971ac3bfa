import { afterAll, beforeAll, expect, test } from 'vitest'
import { aCrowd, counted } from '../../support/crowd.ts'
import { anAdminWorld } from '../admin-world.ts'

let crowd: Awaited<ReturnType<typeof aCrowd>>

beforeAll(async () => {
  crowd = await aCrowd()
})
afterAll(() => crowd.store.close())

/** Bytes on the wire, as a browser gets them. */
async function sizeOf(answer: Response): Promise<number> {
  expect(answer.headers.get('content-encoding')).toBe('gzip')
  return (await answer.arrayBuffer()).byteLength
}

// Rows: what a page shows, and counts of three targets of each of 200 instances in two states.
test.each([
  ['/', { overview: 200 * 3 * 3 + 200 + 10 }],
  ['/?from=instance-100', { overview: 200 * 3 * 3 + 200 + 10 }],
  ['/jobs', { jobs: 50 }],
  ['/jobs?state=running', { jobs: 50 }],
  ['/jobs?instance=instance-007&target=macos-large', { jobs: 50 }],
  ['/jobs/instance-007/4', { job: 60, events: 200, circumstances: 20 }],
  ['/runners?instance=instance-007', { dispatches: 100, runners: 50 }],
  ['/dispatchers', { overview: 200 * 3 * 3 + 200 + 10 }],
  ['/events', { events: 100 }],
  ['/instances/instance-007', { overview: 200 * 3 * 3 + 200 + 10, events: 20, secretUses: 10 }],
])('with 200 instances and 10,000 jobs %s is small on the wire, and few rows are read for it', async (path, most) => {
  const { store, asked } = counted(crowd.store)
  const { app } = anAdminWorld({ ...crowd, store })
  const answer = await app.request(path, { headers: { accept: 'text/html', 'accept-encoding': 'gzip' } })
  expect(answer.status).toBe(200)
  expect(await sizeOf(answer)).toBeLessThan(100 * 1024)
  expect(asked.length).toBeLessThanOrEqual(5)
  const read: Record<string, number> = {}
  for (const { call, rows } of asked) read[call] = (read[call] ?? 0) + rows
  for (const [call, rows] of Object.entries(read))
    expect([call, rows <= ((most as Record<string, number>)[call] ?? 0)]).toEqual([call, true])
})

test('style, scripts and the first page together are small on the wire', async () => {
  const { app } = anAdminWorld({ ...crowd })
  const headers = { accept: 'text/html', 'accept-encoding': 'gzip' }
  const page = await app.request('/', { headers: { accept: 'text/html' } })
  const names = [...(await page.text()).matchAll(/(?:src|href)="(\/static\/[^"]+)"/g)].map(([, name = '']) => name)
  expect(names.length).toBeGreaterThan(5)
  let sum = await sizeOf(await app.request('/', { headers }))
  for (const name of new Set(names)) sum += await sizeOf(await app.request(name, { headers }))
  expect(sum).toBeLessThan(100 * 1024)
})

test('what a browser has it keeps: a name with the content in it for ever, any other until it has asked', async () => {
  const { app } = anAdminWorld()
  const page = await (await app.request('/', { headers: { accept: 'text/html' } })).text()
  const [, css = ''] = /href="(\/static\/muster\.css[^"]+)"/.exec(page) ?? []
  const named = await app.request(css)
  expect(named.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  const etag = named.headers.get('etag') ?? ''
  const again = await app.request('/static/muster.css', { headers: { 'if-none-match': etag } })
  expect([again.status, again.headers.get('cache-control')]).toEqual([304, 'no-cache'])
  expect((await app.request('/static/..%2fdashboard.ts')).status).toBe(404)
})
