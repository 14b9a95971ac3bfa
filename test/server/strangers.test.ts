import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { serve } from '../../src/server/listen.ts'
import { aDeliveredJob } from '../support/builders.ts'
import { aPublicWorld } from './intake-world.ts'

test('no header makes one guesser into many', async () => {
  const { app, text } = aPublicWorld()
  const listener = await serve(app, { host: '127.0.0.1', port: 0, clock: systemClock })
  onTestFinished(() => listener.close())
  const guess = (number: number) => {
    const address = `198.51.100.${number}`
    const headers = {
      forwarded: `for=${address}`,
      'x-forwarded-for': address,
      'x-real-ip': address,
      'x-signature': 'bad',
    }
    return fetch(`http://127.0.0.1:${listener.port}/webhook/main`, { method: 'POST', headers, body: '{}' })
  }
  for (let number = 1; number <= 10; number++) expect((await guess(number)).status).toBe(401)
  expect((await guess(11)).status).toBe(429)
  expect(text.join('')).not.toContain('198.51.100.')
})

test('the number of series does not grow with what strangers and workflows name', async () => {
  const { app, deliver, metrics } = aPublicWorld({ maxBody: 10_000 })
  const series = async () => (await metrics.registry.metrics()).split('\n').length
  const job = (n: number) => ({
    kind: 'jobs',
    id: `d-${n}`,
    event: 'workflow_job',
    secret: null,
    jobs: [
      { ...aDeliveredJob().told, id: String(n), labels: [`label-${n}`], repository: `owner-${n}/repository-${n}` },
    ],
  })
  const visit = async (n: number) => {
    expect((await deliver(JSON.stringify(job(n)))).status).toBe(202)
    expect((await app.request(`/webhook/instance-${n}`, { method: 'POST' })).status).toBe(404)
    expect((await app.request('/webhook/main', { method: `METHOD${n}` })).status).toBe(405)
  }
  await visit(0)
  const before = await series()
  for (let n = 1; n <= 500; n++) await visit(n)
  expect(await series()).toBe(before)
})
