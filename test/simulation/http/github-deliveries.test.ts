import { expect, test } from 'vitest'
import { openGithub } from '../../support/github-world.ts'
import { receiver } from '../../support/world.ts'

const day = 24 * 60 * 60_000
const hooks = '/api/v3/repos/harbour/lighthouse/hooks'
const build = { name: 'build', labels: ['self-hosted', 'linux'] }

async function withHook(over: Parameters<typeof openGithub>[0] = {}, url = 'http://127.0.0.1:9/') {
  const open = await openGithub({ faults: { lose: 100 }, ...over })
  const config = { url, content_type: 'json', secret: 's' }
  await open.call('POST', hooks, { name: 'web', events: ['workflow_job'], config })
  const deliveries = `${hooks}/1/deliveries`
  /** The rows as they came: no number of JavaScript holds their ids. */
  async function rows(query = '') {
    const answer = await fetch(open.url + deliveries + query, { headers: { authorization: `token ${open.token}` } })
    const text = (await answer.text()).replaceAll(/"id":(\d{17,})/g, '"id":"$1"')
    return { link: answer.headers.get('link'), rows: JSON.parse(text) as Record<string, unknown>[] }
  }
  return {
    ...open,
    rows,
    deliveries,
    push: () => open.forge.jobs.push({ repository: 'harbour/lighthouse', jobs: [build] }),
  }
}

test('a delivery that got lost is listed as one that failed, with an id beyond 2^53', async () => {
  const { rows, push } = await withHook()
  push()
  const { rows: listed } = await rows()
  expect(listed).toMatchObject([
    {
      event: 'workflow_job',
      action: 'queued',
      status: 'failed to connect to host',
      status_code: 502,
      redelivery: false,
    },
    { event: 'ping', action: null },
  ])
  expect(BigInt(String(listed[0]?.id))).toBeGreaterThan(2n ** 53n)
})

test('a delivery that was answered is listed with its status, newest first', async () => {
  const inbox = await receiver(202)
  const { rows, courier } = await withHook({ faults: {} }, inbox.url)
  await expect.poll(() => courier.attempts.length).toBe(1)
  expect((await rows()).rows).toMatchObject([{ event: 'ping', status: 'OK', status_code: 202 }])
})

test('a delivery read whole has the payload as it was sent', async () => {
  const { rows, deliveries, call, push, forge } = await withHook()
  push()
  const [row] = (await rows()).rows
  const whole = await call('GET', `${deliveries}/${row?.id}`)
  expect(whole.json.request).toMatchObject({
    headers: { 'X-GitHub-Delivery': row?.guid, 'X-GitHub-Event': 'workflow_job' },
    payload: forge.outbox.made.at(-1)?.payload,
  })
  expect((await call('GET', `${deliveries}/4711`)).status).toBe(404)
})

test('pages are gone through by the cursor of the link, and new rows move none of them', async () => {
  const { rows, push } = await withHook()
  for (let count = 0; count < 5; count++) push()
  const first = await rows('?per_page=2')
  push()
  const cursor = /cursor=(\w+)/.exec(first.link ?? '')?.[1]
  const second = await rows(`?per_page=2&cursor=${cursor}`)
  const third = await rows(`?per_page=2&cursor=${/cursor=(\w+)/.exec(second.link ?? '')?.[1]}`)
  const seen = [first, second, third].flatMap(({ rows }) => rows.map(({ id }) => id))
  expect(new Set(seen).size).toBe(6)
  expect(third.link).toBeNull()
})

test.each([
  ['github.com', undefined, 3],
  ['an Enterprise Server', '3.17.0', 7],
])('%s keeps them for so many days', async (_, server, days) => {
  const { rows, push, clock } = await withHook({ server })
  push()
  const early = (await rows()).rows.map(({ guid }) => guid)
  // That nobody took the job is told meanwhile.
  const left = async () => (await rows()).rows.filter(({ guid }) => early.includes(guid))
  clock.pass(days * day - 1_000)
  expect(await left()).toHaveLength(2)
  clock.pass(2_000)
  expect(await left()).toHaveLength(0)
})

test('a delivery that is sent once more bears the same id, and leaves its old row', async () => {
  const { rows, deliveries, call, push } = await withHook()
  push()
  const [row] = (await rows()).rows
  expect((await call('POST', `${deliveries}/${row?.id}/attempts`)).status).toBe(202)
  expect((await rows()).rows).toMatchObject([
    { guid: row?.guid, redelivery: true },
    { guid: row?.guid, redelivery: false },
    { event: 'ping' },
  ])
})
