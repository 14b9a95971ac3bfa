import { expect, test } from 'vitest'
import type { Verdict } from '../../../src/core/verdict.ts'
import { StoreUnavailable } from '../../../src/store/store.ts'
import { aJob, anEvent, aRunner, at } from '../../support/builders.ts'
import { anAdminWorld, anInstance, aWorker } from '../admin-world.ts'

type World = ReturnType<typeof anAdminWorld>

/** A page as a browser gets it, and what stands in it without its marks. */
async function page({ app }: Pick<World, 'app'>, path: string) {
  const answer = await app.request(path, { headers: { accept: 'text/html' } })
  const html = await answer.text()
  const [, main = ''] = /<main[^>]*>([\s\S]*)<\/main>/.exec(html) ?? []
  const text = main.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ')
  return { status: answer.status, headers: answer.headers, html, main, text }
}

const worker = (over: Parameters<typeof aWorker>[0]) => new Map([['main', aWorker(over).worker]])

test.each([
  ['/', [], 'No instance is configured'],
  ['/jobs', undefined, 'No job is open'],
  ['/jobs?state=queued', undefined, 'No job waits for a runner'],
  ['/jobs?instance=main', undefined, 'No job fits this filter'],
  ['/runners', undefined, 'No runner is up'],
  ['/runners?show=gone', undefined, 'No runner has gone yet'],
  ['/events', undefined, 'Nothing has happened yet'],
  ['/events?instance=main', undefined, 'No event fits this filter'],
])('where %s has nothing to show it says what that means', async (path, instances, title) => {
  const { text } = await page(anAdminWorld({ instances }), path)
  expect(text).toContain(title)
})

test('a forge that cannot be reached is told with since when, why, and what goes on meanwhile', async () => {
  const world = anAdminWorld({
    workers: worker({
      lastLook: { beganAt: at('11:59:00'), complete: false, error: 'connect ECONNREFUSED 127.0.0.1:3000' },
      lookFailingSince: at('11:00:00'),
      nextLookAt: at('12:00:30'),
    }),
  })
  for (const path of ['/', '/instances/main']) {
    const { text, main } = await page(world, path)
    expect(text).toContain('look failed')
    expect(main).toContain('datetime="2026-03-02T11:00:00.000Z"')
    expect(text).toContain('ECONNREFUSED')
    expect(text).toContain('Webhooks are still recorded')
  }
})

test('while the state is out of reach a page says what that means, and comes again by itself', async () => {
  const world = anAdminWorld()
  world.state.broken = new StoreUnavailable('disk full at /var/lib/muster')
  const { status, headers, text } = await page(world, '/')
  expect(status).toBe(503)
  expect(headers.get('refresh')).toBe('10')
  expect(text).toContain('The state is out of reach')
  expect(text).not.toContain('/var/lib')
})

test('a failure tells its id on the page, and no more', async () => {
  const world = anAdminWorld()
  world.state.broken = new TypeError('canary')
  const { status, text } = await page(world, '/jobs')
  expect(status).toBe(500)
  expect(text).toContain('under the id id-1')
  expect(text).not.toContain('canary')
})

test('whoever asks for no page is told the problem itself', async () => {
  const { app } = anAdminWorld()
  for (const headers of [{ accept: 'application/json' }, { accept: '*/*' }, {}])
    expect((await app.request('/nothing', { headers })).headers.get('content-type')).toBe('application/problem+json')
  const api = await app.request('/api/v1/nothing', { headers: { accept: 'text/html' } })
  expect(api.headers.get('content-type')).toBe('application/problem+json')
})

test('what needs attention is told first: unmatched jobs, open breakers, pauses with who and why', async () => {
  const world = anAdminWorld({ workers: worker({}) })
  const job = { instance: 'main', target: null, state: 'queued', oldestAt: at('12:00:00') } as const
  world.state.overview = {
    jobs: [{ ...job, unassigned: 'unmatched', jobs: 3 }],
    breakers: [{ key: 'breaker/cloud', instance: '', failures: 4, until: at('12:00:20') }],
    paused: new Map([['main', { at: at('11:00:00'), by: 'ann', reason: 'the disk' }]]),
  }
  const { text } = await page(world, '/')
  expect(text).toContain('3 queued jobs fit no target')
  expect(text).toMatch(/The dispatcher cloud failed 4 times in a row; one job at a time tries it, the next/)
  expect(text).toMatch(/main is paused by ann .*\( ?the disk ?\)/)
  expect((await page(anAdminWorld({ workers: worker({}) }), '/')).main).not.toContain('attention')
})

test.each<[Partial<Verdict>, string]>([
  [{ kind: 'full', reason: 'max' }, 'the target linux is full'],
  [{ kind: 'unmatched', target: null }, 'no target offers all its labels'],
  [{ kind: 'covered', by: { runner: 'muster-1' } }, 'the idle runner muster-1 can take it'],
  [{ kind: 'dispatcher_down', reason: 'cloud' }, 'the dispatcher cloud failed three times in a row'],
  [{ kind: 'backoff', reason: 'refused' }, 'the dispatcher refused'],
])('a job in the list says why it stands as it does: %j', async (verdict, words) => {
  const whole: Verdict = {
    kind: 'full',
    target: 'linux',
    reason: null,
    by: null,
    dispatcher: null,
    until: null,
    ...verdict,
  }
  const { target } = whole
  const job = aJob({ id: '1', target, unassigned: target === null ? 'unmatched' : null })
  const world = anAdminWorld({ rows: { jobs: [{ ...job, verdict: whole }] } })
  const { text } = await page(world, '/jobs')
  expect(text).toContain(whole.kind)
  expect(text).toContain(words)
})

test.each([
  ['https://forge.example/acme/widgets/actions/runs/1', true],
  ['https://forge.example.evil.example/acme', false],
  ['http://forge.example/acme', false],
  ['javascript:alert(1)', false],
  ['not an address', false],
])('a job that says its page is %s is linked: %s', async (url, linked) => {
  const { main } = await page(anAdminWorld({ rows: { jobs: [aJob({ id: '1', url })] } }), '/jobs/main/1')
  expect(main.includes('at the forge')).toBe(linked)
  if (!linked) expect(main).not.toContain(url)
})

test('what strangers wrote is text, set apart, and cut', async () => {
  const name = `<img src=x onerror=alert(1)>‮${'x'.repeat(10_000)}`
  const rows = {
    jobs: [aJob({ id: '1', name, repository: '<b>/x', labels: Array.from({ length: 100 }, () => '<script>') })],
    runners: [aRunner({ name })],
    events: [anEvent({ runner: name, detail: { reason: name } })],
  }
  const world = anAdminWorld({ rows: { ...rows, events: rows.events.map((event, id) => ({ ...event, id: `${id}` })) } })
  for (const path of ['/jobs', '/jobs/main/1', '/runners', '/events']) {
    const { main, html } = await page(world, path)
    expect(main).not.toMatch(/<img|<script|<b>/)
    // A link bears the whole name in its address, no more than that.
    expect(html.replace(/href="[^"]*"/g, '').length).toBeLessThan(15_000)
    expect(main).toContain('<bdi')
  }
})

test('a reader is shown no button, and a page that another role would see is the same else', async () => {
  const tokens = { read: 'token-of-a-reader', operate: 'token-of-an-operator' }
  const world = anAdminWorld({ tokens, instances: [anInstance()], workers: worker({}) })
  const as = async (token: string) => {
    const headers = { accept: 'text/html', authorization: `Bearer ${token}` }
    return (await world.app.request('/', { headers })).text()
  }
  expect(await as(tokens.operate)).toContain('Pause')
  expect(await as(tokens.read)).not.toContain('Pause')
})
