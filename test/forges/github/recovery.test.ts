import { expect, test } from 'vitest'
import type { Recovered } from '../../../src/forges/forge.ts'
import { aHookWish } from '../../support/builders.ts'
import { never, type OpenGithub, openGithub, organization } from '../../support/github-world.ts'
import { receiver } from '../../support/world.ts'

const minute = 60_000
const day = 24 * 60 * minute
const nowhere = 'http://127.0.0.1:9/webhook/main'

/** An organization with our webhook, of which GitHub delivers nothing: what `received` holds is what came in another way. */
async function deaf(over: Parameters<typeof openGithub>[0] = {}, url = nowhere) {
  const open = await openGithub({ faults: { lose: 100 }, ...over })
  const forge = open.github()
  await forge.probe(never())
  const hook = await forge.ensureHook?.({ ...aHookWish({ url, secret: 's' }), known: null }, never())
  const received = new Set<string>()
  let watermark: string | null = null

  /** One beat, as the worker makes it: what was read is received, and the watermark kept. */
  async function recover(over: { hook?: string; since?: string } = {}): Promise<Recovered> {
    const query = {
      hook: hook?.id ?? '',
      since: watermark,
      received: async (ids: readonly string[]) => known(ids),
      ...over,
    }
    const answer = (await forge.recover?.(query, never())) as Recovered
    for (const reading of answer.readings) if ('id' in reading) received.add(reading.id)
    watermark = answer.watermark
    return answer
  }
  const known = (ids: readonly string[]) => new Set(ids.filter((id) => received.has(id)))
  return { ...open, recover, received, hookId: Number(hook?.id), watermark: () => watermark }
}

function queue({ forge }: OpenGithub, count = 1) {
  const jobs = Array.from({ length: count }, (_, index) => ({ name: `job-${index}`, labels: ['self-hosted'] }))
  return forge.jobs.ofRun(forge.jobs.push({ repository: 'harbour/lighthouse', jobs }).id)
}

const idsOf = ({ readings }: Recovered) =>
  readings.flatMap((reading) => (reading.kind === 'jobs' ? reading.jobs.map(({ id }) => id) : []))
const reads = ({ host }: OpenGithub) => host.answered.filter((line) => /\/deliveries\/\d+ 200$/.test(line))
const lists = ({ host }: OpenGithub) => host.answered.filter((line) => /\/deliveries (?:200|304)$/.test(line))

test('a delivery that got lost is read back as it would have come, under the id of its header', async () => {
  const world = await deaf()
  const [job] = queue(world)
  const [delivery] = world.forge.outbox.made.filter(({ jobId }) => jobId === job?.id)
  expect(await world.recover()).toMatchObject({
    gap: false,
    readings: [
      {
        kind: 'jobs',
        id: delivery?.id,
        event: 'workflow_job',
        secret: null,
        jobs: [{ id: String(job?.id), state: 'queued', labels: ['self-hosted'], repository: 'harbour/lighthouse' }],
      },
    ],
  })
})

// octokit/request.js#797: since February 2026 they are.
test('the id of a delivery is asked for with all its digits, beyond 2^53', async () => {
  const world = await deaf()
  queue(world)
  await world.recover()
  const [, id = ''] = /deliveries\/(\d+) 200/.exec(reads(world)[0] ?? '') ?? []
  expect(BigInt(id)).toBeGreaterThan(2n ** 53n)
  expect(String(Number(id))).not.toBe(id)
})

test('what was read back is not read again', async () => {
  const world = await deaf()
  queue(world, 3)
  expect(idsOf(await world.recover())).toHaveLength(3)
  world.clock.pass(minute)
  expect(idsOf(await world.recover())).toEqual([])
  expect(reads(world)).toHaveLength(3)
})

test('what came in another way is not read', async () => {
  const world = await deaf()
  queue(world)
  for (const { id } of world.forge.outbox.made) world.received.add(id)
  expect(await world.recover()).toMatchObject({ readings: [], gap: false })
  expect(reads(world)).toEqual([])
})

test('what one attempt brought is not read, whatever became of the others', async () => {
  const inbox = await receiver(202)
  const world = await deaf({}, inbox.url)
  queue(world)
  const [lost] = world.forge.outbox.made.filter(({ event }) => event === 'workflow_job')
  world.forge.outbox.order({ kind: 'duplicate', matches: () => true })
  if (lost) world.forge.outbox.put({ ...lost, madeAt: world.clock.now() })
  await inbox.until(1)
  // The attempt is listed when its answer has come back.
  await expect.poll(() => world.courier.attempts.length).toBe(1)
  expect(await world.recover()).toMatchObject({ readings: [] })
  expect(reads(world)).toEqual([])
})

test('a delivery that was answered with an error is read back', async () => {
  const inbox = await receiver(500)
  const world = await deaf({ faults: {} }, inbox.url)
  const [job] = queue(world)
  await inbox.until(2)
  await expect.poll(() => world.courier.attempts.length).toBe(2)
  expect(idsOf(await world.recover())).toEqual([String(job?.id)])
})

test('only job events are read: a ping that got lost is none', async () => {
  const world = await deaf()
  expect(world.forge.outbox.made.map(({ event }) => event)).toEqual(['ping'])
  await world.recover()
  expect(reads(world)).toEqual([])
})

test('the oldest come first, over as many pages as it takes, at most 200 reads in one call', async () => {
  const world = await deaf()
  const jobs = queue(world, 250).map(({ id }) => String(id))
  const first = await world.recover()
  expect(lists(world)).toHaveLength(3)
  expect(reads(world)).toHaveLength(197)
  expect(idsOf(first)).toEqual(jobs.slice(0, 197))
  const second = await world.recover()
  expect([...idsOf(first), ...idsOf(second)]).toEqual(jobs)
  expect([first.gap, second.gap]).toEqual([false, false])
})

test('what is left stays due however long the next beat takes', async () => {
  const world = await deaf()
  const jobs = queue(world, 250)
  world.clock.pass(30 * minute)
  const first = await world.recover()
  world.clock.pass(2 * 60 * minute)
  const second = await world.recover()
  expect(idsOf(first).length + idsOf(second).length).toBe(jobs.length)
})

test('a beat without news costs one request, and no quota', async () => {
  const world = await deaf()
  await world.recover()
  const before = world.host.answered.length
  world.clock.pass(5 * minute)
  await world.recover()
  expect(world.host.answered.slice(before)).toEqual([expect.stringMatching(/deliveries 304$/)])
})

test('the first call reaches an hour back, later ones as far as the last one came', async () => {
  const world = await deaf()
  const [old] = queue(world)
  world.clock.pass(61 * minute)
  const [young] = queue(world)
  expect(idsOf(await world.recover())).toEqual([String(young?.id)])
  const [later] = queue(world)
  world.clock.pass(10 * 60 * minute)
  expect(idsOf(await world.recover())).toEqual([String(later?.id)])
  expect(old).toBeDefined()
})

test.each([-3, 3])('a GitHub whose clock is %i h ahead of ours is read back by its own clock', async (hours) => {
  const world = await deaf()
  world.host.ahead = hours * 60 * minute
  await world.github().probe(never())
  await world.recover()
  const found: string[] = []
  for (let beat = 0; beat < 3; beat++) {
    const [job] = queue(world)
    world.clock.pass(10 * minute)
    found.push(...idsOf(await world.recover()).filter((id) => id === String(job?.id)))
  }
  expect(found).toHaveLength(3)
})

test.each([
  ['github.com', undefined, 3],
  ['an Enterprise Server', '3.17.0', 7],
])('%s keeps deliveries for so many days: beyond, a gap is told', async (_, server, days) => {
  for (const [away, gap] of [
    [days - 0.5, false],
    [days + 0.5, true],
  ] as const) {
    const world = await deaf({ server })
    await world.recover()
    queue(world)
    world.clock.pass(away * day)
    expect((await world.recover()).gap).toBe(gap)
    expect(await world.recover()).toMatchObject({ readings: [], gap: false })
  }
})

test('a hook that has nothing to say for a week has no gap', async () => {
  const world = await deaf()
  for (let passed = 0; passed < 7; passed++) {
    expect(await world.recover()).toMatchObject({ readings: [], gap: false })
    world.clock.pass(day)
  }
})

test('a delivery that GitHub has no more is a gap, and hides no other', async () => {
  const world = await deaf()
  const [first, second] = queue(world, 2)
  expect(first).toBeDefined()
  const [, row] = world.forge.outbox.made
  if (row) row.payload = null
  const recovered = await world.recover()
  expect(recovered.gap).toBe(true)
  expect(idsOf(recovered)).toEqual([String(second?.id)])
})

test('a hook that GitHub does not know has a gap and no watermark', async () => {
  const world = await deaf()
  expect(await world.recover({ hook: '4711' })).toEqual({ readings: [], watermark: null, gap: true })
})

test('a watermark of another hook, or of another version, is a gap once', async () => {
  const world = await deaf()
  queue(world)
  const foreign = JSON.stringify({ hook: '4711', delivered_at: new Date(world.clock.now()).toISOString(), id: null })
  expect(await world.recover({ since: foreign })).toMatchObject({ gap: true, readings: [{ kind: 'jobs' }] })
  expect(await world.recover({ since: 'what is this' })).toMatchObject({ gap: true })
  expect(await world.recover()).toMatchObject({ gap: false })
})

test('a limit in the midst of it keeps what was read, and the rest stays due', async () => {
  const world = await deaf({ quota: 600 })
  // Of them 60 of 600 are kept for registrations.
  const jobs = queue(world, 150)
  for (let used = 0; used < 440; used++) await world.call('GET', '/api/v3/meta')
  const first = await world.recover()
  expect(idsOf(first).length).toBeGreaterThan(0)
  expect(idsOf(first).length).toBeLessThan(150)
  await expect(world.recover()).rejects.toMatchObject({ name: 'ForgeLimited' })
  world.clock.pass(61 * minute)
  const second = await world.recover()
  expect([...idsOf(first), ...idsOf(second)]).toEqual(jobs.map(({ id }) => String(id)))
})

test('an organization whose token may not read deliveries is refused with what it needs', async () => {
  const world = await deaf()
  world.host.denied.push(/deliveries/)
  await expect(world.recover()).rejects.toMatchObject({ status: 403, message: expect.stringContaining('Webhooks') })
})

test('the deliveries of a repository are read back where its hook is', async () => {
  const { github, forge, host } = await openGithub({ faults: { lose: 100 } })
  const ours = github({ scope: { level: 'repository', owner: organization.owner, name: 'lighthouse' } })
  const hook = await ours.ensureHook?.({ ...aHookWish({ url: nowhere, secret: 's' }), known: null }, never())
  forge.jobs.push({ repository: 'harbour/lighthouse', jobs: [{ name: 'build', labels: ['linux'] }] })
  const query = { hook: hook?.id ?? '', since: null, received: async () => new Set<string>() }
  expect((await ours.recover?.(query, never()))?.readings).toHaveLength(1)
  expect(host.answered.at(-1)).toMatch(/^GET \/repos\/harbour\/lighthouse\/hooks\/1\/deliveries\/\d+ 200$/)
})
