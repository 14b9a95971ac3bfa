import { createServer } from 'node:net'
import { env as ourEnv } from 'node:process'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import type { Dispatcher } from '../../../src/dispatchers/dispatcher.ts'
import { nomad as nomadKind } from '../../../src/dispatchers/nomad/dispatcher.ts'
import type { NomadOptions } from '../../../src/dispatchers/nomad/options.ts'
import { Secret } from '../../../src/secret.ts'
import { aCredential, aRequest, canary, never } from '../contract.ts'
import { aJob, type Behaviour, type Call, say } from './fake-nomad.ts'
import { aNomad, type NomadPlace, payloadOf } from './place.ts'

let place: NomadPlace
const opened: Dispatcher[] = []
beforeEach(async () => {
  place = await aNomad()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((made) => made.close?.()))
  await place.close()
})

const open = (options: Partial<NomadOptions> = {}, owner?: string): Dispatcher => {
  const made = place.dispatcher(owner, options)
  opened.push(made)
  return made
}
const launch = (over = {}, options: Partial<NomadOptions> = {}) => open(options).launch(aRequest(over), never)
const dispatches = ({ method, path }: Call) => method === 'POST' && path.endsWith('/dispatch')
const lists = ({ path }: Call) => path === '/v1/jobs'
const calls = (fits: (call: Call) => boolean) => place.nomad.calls.filter(fits)

// Nomad's api-docs/jobs.mdx, "Dispatch Job"; the meta and the payload's first keys are the ancestor's (seed-systems.md 4.2).
test('dispatches the job with the key, the meta and a payload that brings all that a runner needs', async () => {
  await launch(
    { id: 'd1', name: 'muster-d1', labels: ['linux', 'gpu'], machineType: '2x4', image: 'node:26', env: { A: 'b' } },
    { namespace: 'ci', region: 'eu', token: new Secret('the-token') },
  )
  const [call] = calls(dispatches)
  expect(call).toMatchObject({ path: '/v1/job/muster-runner/dispatch', headers: { 'x-nomad-token': 'the-token' } })
  expect(Object.fromEntries(call?.query ?? [])).toEqual({ idempotency_token: 'd1', namespace: 'ci', region: 'eu' })
  const { Meta, Payload } = JSON.parse(call?.body ?? '')
  expect(Meta).toEqual({
    REPO_FULL_NAME: 'acme/widgets',
    REPO_SHORT_NAME: 'widgets',
    WORKFLOW_RUN: '7',
    DELIVERY_ID: '3b1f0a52-0000-4000-8000-000000000001',
    MUSTER_OWNER: 'muster',
    MUSTER_DISPATCH: 'd1',
    MUSTER_ENDS_AT: expect.stringMatching(/^\d{10}$/),
    MUSTER_RUNNER_NAME: 'muster-d1',
    MUSTER_LABELS: 'linux,gpu',
    MUSTER_INSTANCE: 'main',
    MUSTER_MACHINE_TYPE: '2x4',
    MUSTER_IMAGE: 'node:26',
  })
  const payload = payloadOf({ Payload })
  expect(payload).toEqual({
    repo: 'acme/widgets',
    job: 'main/42',
    run_id: '7',
    labels: ['linux', 'gpu'],
    owner: 'muster',
    dispatch: 'd1',
    ends_at: Number(Meta.MUSTER_ENDS_AT),
    name: 'muster-d1',
    instance: 'main',
    machine_type: '2x4',
    image: 'node:26',
    env: { A: 'b' },
    scope: { level: 'repository', owner: 'acme', name: 'widgets' },
    credential: aCredential(),
    start: expect.any(String),
  })
  expect(Buffer.from(String(payload.start), 'base64').toString()).toMatch(/^#!\/bin\/sh\n/)
})

test('sends the four keys of the ancestor alone where its job declares no others, empty for a warm runner', async () => {
  const ancestor = await aNomad('ancestor')
  const dispatcher = ancestor.dispatcher()
  await dispatcher.launch(aRequest({ about: null, job: null }), never)
  expect(ancestor.nomad.children[0]?.Meta).toEqual({
    REPO_FULL_NAME: '',
    REPO_SHORT_NAME: '',
    WORKFLOW_RUN: '',
    DELIVERY_ID: '',
  })
  await dispatcher.close?.()
  await ancestor.close()
})

describe('what became of a dispatch:', () => {
  const answers =
    (status: number, words: string, headers = {}): Behaviour =>
    (_, answer) =>
      say(answer, status, words, headers)

  test.each<[string, Behaviour, string]>([
    ['a token without the capability (403)', answers(403, 'Permission denied'), 'DispatchRefused'],
    ['no such job (404)', answers(404, 'job not found'), 'DispatchRefused'],
    ['a body that Nomad cannot read (400)', answers(400, 'unexpected EOF'), 'DispatchRefused'],
    ['too many connections (429)', answers(429, 'too many concurrent connections'), 'DispatchRefused'],
    ['a redirect (307)', answers(307, ''), 'DispatchRefused'],
    ['a check of Nomad that is a bare error (500)', answers(500, 'parameterized job not found'), 'DispatchRefused'],
    ['no cluster leader (500)', answers(500, 'No cluster leader'), 'DispatchRefused'],
    ['no path to the region (500)', answers(500, 'No path to region'), 'DispatchRefused'],
    ['an error after the write (500)', answers(500, 'leadership lost while committing log'), 'DispatchUnknown'],
    ['an error without words (500)', answers(500, ''), 'DispatchUnknown'],
    ['a proxy without an agent (502)', answers(502, '<html>Bad gateway</html>'), 'DispatchUnknown'],
    ['a page in place of an answer (200)', (_, answer) => say(answer, 200, '<html>'), 'DispatchUnknown'],
    ['a connection that is reset', (_, __, request) => request.socket.resetAndDestroy(), 'DispatchUnknown'],
    [
      'an answer that is broken off',
      (_, answer) => {
        answer.writeHead(200, { 'content-length': '1000' })
        answer.write('{"Dispatched', () => answer.destroy())
      },
      'DispatchUnknown',
    ],
  ])('%s', async (_, behaviour, name) => {
    place.nomad.disturb(dispatches, behaviour)
    await expect(launch()).rejects.toMatchObject({ name })
    expect(place.nomad.children).toEqual([])
  })

  test.each<[string, () => void]>([
    ['no such job', () => place.nomad.jobs.clear()],
    ['a job that is not parameterized', () => Object.assign(job() ?? {}, { ParameterizedJob: null })],
    ['a job that is stopped', () => Object.assign(job() ?? {}, { Stop: true })],
    ['meta that the job does not declare', () => Object.assign(job() ?? {}, aJob('ancestor'))],
    ['meta that the job requires and is not sent', () => job()?.ParameterizedJob?.MetaRequired.push('TEAM')],
    ['no leader', () => Object.assign(place.nomad, { leader: '' })],
  ])('%s is a refusal in the words of Nomad', async (_, wrong) => {
    wrong()
    await expect(launch()).rejects.toMatchObject({ name: 'DispatchRefused', message: expect.stringContaining('500: ') })
  })

  test('nobody listens', async () => {
    const closed = createServer()
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    const address = closed.address()
    await new Promise((resolve) => closed.close(resolve))
    const url = new URL(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
    await expect(launch({}, { url })).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })

  test('a token that cannot be read is a refusal', async () => {
    const lost = new Secret(() => {
      throw new Error('ENOENT: /run/token')
    })
    await expect(launch({}, { token: lost })).rejects.toMatchObject({ name: 'DispatchRefused' })
  })

  test('given up while Nomad is silent, it is unknown', async () => {
    const giveUp = new AbortController()
    place.nomad.disturb(dispatches, () => giveUp.abort())
    await expect(open().launch(aRequest(), giveUp.signal)).rejects.toMatchObject({ name: 'DispatchUnknown' })
  })

  test('a payload that Nomad would not take is refused before it is sent', async () => {
    await expect(launch({ env: { BIG: 'x'.repeat(8_000) } })).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringMatching(/the payload has \d+ bytes, and Nomad takes at most 16384/),
    })
    expect(calls(dispatches)).toEqual([])
  })

  test('a proxy that names a time is heeded', async () => {
    place.nomad.disturb(dispatches, answers(429, 'slow down', { 'retry-after': '60' }))
    await expect(launch()).rejects.toMatchObject({ name: 'DispatchRefused', retryAt: expect.any(Number) })
  })

  // A start whose answer got lost is asked again with the same key.
  test('an answer that got lost is made good by asking again', async () => {
    const request = aRequest()
    const dispatcher = open()
    place.nomad.disturb(dispatches, (_, __, { socket }) => socket.resetAndDestroy())
    await expect(dispatcher.launch(request, never)).rejects.toMatchObject({ name: 'DispatchUnknown' })
    place.nomad.calm()
    await dispatcher.launch(request, never)
    await dispatcher.launch(request, never)
    expect(await place.started()).toEqual([request.id])
  })

  // Nomad checks a request before it looks for its token: the first attempt may have started the runner.
  test('a refusal after an unknown start leaves it unknown', async () => {
    const request = aRequest()
    const dispatcher = open()
    place.nomad.disturb(dispatches, (_, __, { socket }) => socket.resetAndDestroy())
    await expect(dispatcher.launch(request, never)).rejects.toMatchObject({ name: 'DispatchUnknown' })
    place.nomad.calm()
    place.nomad.disturb(dispatches, answers(403, 'Permission denied'))
    await expect(dispatcher.launch(request, never)).rejects.toMatchObject({ name: 'DispatchUnknown' })
    await expect(dispatcher.launch(aRequest(), never)).rejects.toMatchObject({ name: 'DispatchRefused' })
  })

  test('no secret is in a reason', async () => {
    place.nomad.disturb(dispatches, (call, answer) =>
      say(answer, 500, `odd: ${call.body} ${call.headers['x-nomad-token']}`),
    )
    const answer = launch({}, { token: new Secret('the-token') })
    await expect(answer).rejects.toMatchObject({ name: 'DispatchUnknown' })
    await expect(answer).rejects.not.toThrow(new RegExp(`the-token|${canary}`))
  })

  function job() {
    return place.nomad.jobs.get('muster-runner')
  }
})

// An accepted dispatch that no node can take is pending, not failed.
test('a runner that cannot be placed is accepted, and the reason is told once', async () => {
  place.nomad.blockedBy = {
    NodesEvaluated: 2,
    ConstraintFiltered: { '${attr.kernel.name} = linux': 1 },
    DimensionExhausted: { memory: 1 },
  }
  const dispatcher = open()
  const [first, second] = [aRequest(), aRequest()]
  await dispatcher.launch(first, never)
  await vi.waitFor(() => expect(place.notes).toHaveLength(1))
  await dispatcher.launch(second, never)
  await vi.waitFor(() => expect(calls(({ path }) => path.startsWith('/v1/evaluation/'))).toHaveLength(2))
  expect(place.notes).toEqual([
    `Nomad accepted ${first.name} and cannot place it now, group "runner": Constraint "\${attr.kernel.name} = linux": 1 nodes excluded by filter, Dimension "memory" exhausted on 1 nodes`,
  ])
  expect(new Set((await dispatcher.running?.(never))?.dispatches)).toEqual(new Set([first.id, second.id]))
})

describe('what runs', () => {
  test('is read from all pages', async () => {
    const dispatcher = open()
    const ids = Array.from({ length: 101 }, (_, n) => `d${n}`)
    for (const id of ids) await dispatcher.launch(aRequest({ id, name: `muster-${id}` }), never)
    const { complete, dispatches } = (await dispatcher.running?.(never)) ?? {}
    expect(complete).toBe(true)
    expect([...(dispatches ?? [])].sort()).toEqual([...ids].sort())
  })

  test('is not known while Nomad cannot be asked', async () => {
    const dispatcher = open()
    place.nomad.disturb(lists, (_, answer) => say(answer, 500, 'No cluster leader'))
    await expect(dispatcher.running?.(never)).rejects.toThrow('Nomad answered 500: No cluster leader')
  })

  test('is not complete where it cannot be told whose a job is', async () => {
    const ancestor = await aNomad('ancestor')
    const dispatcher = ancestor.dispatcher()
    await dispatcher.launch(aRequest(), never)
    ancestor.nomad.disturb(
      ({ method, path }) => method === 'GET' && path.includes('/dispatch-'),
      (_, answer) => say(answer, 403, 'Permission denied'),
    )
    const other = ancestor.dispatcher()
    expect(await other.running?.(never)).toEqual({ complete: false, dispatches: [] })
    await expect(other.stop?.('d1', never)).rejects.toThrow('does not tell whether d1')
    await Promise.all([dispatcher.close?.(), other.close?.()])
    await ancestor.close()
  })

  test("leaves out what others dispatched of the same job, and other jobs' children", async () => {
    const [foreign, request] = [aRequest(), aRequest()]
    await open({}, 'somebody').launch(foreign, never)
    place.nomad.jobs.set('muster-runner/dispatch-by-hand', {
      ...aJob(),
      ID: 'muster-runner/dispatch-by-hand',
      ParentID: 'muster-runner',
      Payload: btoa('hello'),
    })
    await open().launch(request, never)
    expect(await open().running?.(never)).toEqual({ complete: true, dispatches: [request.id] })
  })
})

describe('the end of a runner', () => {
  const watched = async (dispatcher: Dispatcher) => {
    const ends: string[] = []
    dispatcher.onEnd?.(() => ends.push('end'))
    await vi.waitFor(() => expect(place.nomad.openQuestions).toBeGreaterThan(0))
    return ends
  }

  test('is told when Nomad tells it', async () => {
    const dispatcher = open()
    await dispatcher.launch(aRequest(), never)
    const ends = await watched(dispatcher)
    for (const child of place.nomad.children) place.nomad.end(child)
    await vi.waitFor(() => expect(ends).toEqual(['end']))
  })

  test('is told although the watch broke meanwhile', async () => {
    const dispatcher = open()
    await dispatcher.launch(aRequest(), never)
    const ends = await watched(dispatcher)
    place.nomad.disturb(lists, (_, __, { socket }) => socket.resetAndDestroy())
    place.nomad.breakConnections()
    await vi.waitFor(() => expect(place.notes.join()).toContain('cannot be watched'))
    for (const child of place.nomad.children) place.nomad.end(child)
    place.nomad.calm()
    await vi.waitFor(() => expect(ends).toEqual(['end']), { timeout: 5_000 })
    expect(place.notes).toHaveLength(1)
  })

  test('comes by its ttl, also for what an earlier process started', async () => {
    const request = aRequest({ ttl: place.shortTtl })
    const earlier = open()
    await earlier.launch(request, never)
    await earlier.close?.()
    expect(await place.living()).toEqual([request.id])
    open()
    await vi.waitFor(async () => expect(await place.living()).toEqual([]), { timeout: 5_000 })
  })

  // Nomad forgets the idempotency token with the job: a repeat that comes late would start a second runner.
  test('leaves its job to the garbage collection of Nomad', async () => {
    const request = aRequest()
    const dispatcher = open()
    await dispatcher.launch(request, never)
    await dispatcher.stop?.(request.id, never)
    await dispatcher.launch(request, never)
    expect(await place.started()).toEqual([request.id])
    expect(await place.living()).toEqual([])
  })

  test('is an error when Nomad does not end it', async () => {
    const request = aRequest()
    const dispatcher = open()
    await dispatcher.launch(request, never)
    place.nomad.disturb(
      ({ method }) => method === 'DELETE',
      (_, answer) => say(answer, 403, 'Permission denied'),
    )
    await expect(dispatcher.stop?.(request.id, never)).rejects.toThrow('403: Permission denied')
  })
})

test('a Nomad that hangs does not hang the close', async () => {
  const dispatcher = open()
  await vi.waitFor(() => expect(calls(lists).length).toBeGreaterThan(0))
  place.nomad.disturb(
    () => true,
    () => undefined,
  )
  const [answer, list] = [dispatcher.launch(aRequest(), never), dispatcher.running?.(never)]
  await vi.waitFor(() => expect(calls(dispatches)).toHaveLength(1))
  await Promise.all([
    expect(answer).rejects.toMatchObject({ name: 'DispatchUnknown' }),
    expect(list).rejects.toThrow('given up'),
    dispatcher.close?.(),
  ])
})

describe('a check', () => {
  const check = async (options: Partial<NomadOptions> = {}) => (await open(options).check?.(never)) ?? []
  const job = () => place.nomad.jobs.get('muster-runner')

  test('finds nothing wrong with the job that is shipped', async () => {
    expect((await check()).map(({ level, check }) => [level, check])).toEqual([
      ['good', 'nomad_reachable'],
      ['good', 'nomad_job'],
      ['good', 'nomad_list'],
    ])
    expect(place.nomad.children).toEqual([])
  })

  test.each<[string, () => void, RegExp, RegExp]>([
    ['no job', () => place.nomad.jobs.clear(), /no job "muster-runner"/, /nomad job run/],
    [
      'no parameters',
      () => Object.assign(job() ?? {}, { ParameterizedJob: null }),
      /not parameterized/,
      /parameterized/,
    ],
    ['a stopped job', () => Object.assign(job() ?? {}, { Stop: true }), /is stopped/, /Start it again/],
    [
      'undeclared meta',
      () => Object.assign(job() ?? {}, aJob('ancestor')),
      /does not declare the meta MUSTER_OWNER/,
      /ancestor/,
    ],
    ['meta of others', () => job()?.ParameterizedJob?.MetaRequired.push('TEAM'), /requires the meta TEAM/, /optional/],
    [
      'no payload',
      () => Object.assign(job()?.ParameterizedJob ?? {}, { Payload: 'forbidden' }),
      /no payload/,
      /required/,
    ],
    ['no leader', () => Object.assign(place.nomad, { leader: '' }), /has no leader/, /election/],
    ['no rights', () => place.nomad.policies.set('other', []), /Permission denied/, /read-job.*policy/],
  ])('tells of %s and how to mend it', async (_, wrong, message, fix) => {
    wrong()
    const [first] = (await check()).filter(({ level }) => level === 'problem')
    expect(first).toMatchObject({ message: expect.stringMatching(message), fix: expect.stringMatching(fix) })
  })

  test('warns of a job that starts its runner again', async () => {
    Object.assign(job() ?? {}, {
      TaskGroups: [{ Name: 'runner', RestartPolicy: { Attempts: 3 }, ReschedulePolicy: { Attempts: 0 } }],
    })
    expect(await check()).toContainEqual(
      expect.objectContaining({ level: 'warning', fix: expect.stringContaining('attempts = 0') }),
    )
  })

  test('of something that is no Nomad, or is not there, never rejects', async () => {
    place.nomad.disturb(
      () => true,
      (_, answer) => say(answer, 200, { hello: 'world' }),
    )
    expect(await check()).toMatchObject([{ level: 'problem', check: 'nomad_reachable' }])
    expect(await check({ url: new URL('http://nomad.invalid') })).toMatchObject([{ level: 'problem' }])
  })
})

const real = ourEnv.MUSTER_TEST_NOMAD_ADDR
if (!real) console.warn('MUSTER_TEST_NOMAD_ADDR is not set: nothing is tried on a real Nomad')

// It needs the shipped job to be registered there, with an image that is at hand; MUSTER_TEST_NOMAD_TOKEN where ACLs are on.
describe.skipIf(!real)('on a real Nomad', () => {
  test('a runner is dispatched once, listed and stopped', { timeout: 60_000 }, async () => {
    const token = ourEnv.MUSTER_TEST_NOMAD_TOKEN
    const dispatcher = nomadKind.create(
      {
        url: new URL(real ?? ''),
        job: 'muster-runner',
        namespace: null,
        region: null,
        token: token ? new Secret(token) : null,
        ca: null,
        meta: 'full',
        command: null,
      },
      { name: 'real', owner: 'mustertest', clock: systemClock, note: console.warn },
    )
    opened.push(dispatcher)
    expect((await dispatcher.check?.(never))?.filter(({ level }) => level === 'problem')).toEqual([])
    const request = aRequest()
    await dispatcher.launch(request, never)
    await dispatcher.launch(request, never)
    expect((await dispatcher.running?.(never))?.dispatches).toEqual([request.id])
    await dispatcher.stop?.(request.id, never)
    await vi.waitFor(async () => expect((await dispatcher.running?.(never))?.dispatches).toEqual([]), {
      timeout: 30_000,
    })
  })
})
