import { HttpResponse, http } from 'msw'
import { describe, expect, test } from 'vitest'
import type { Scope } from '../../../src/core/scope.ts'
import type { Forge } from '../../../src/forges/forge.ts'
import { aHookWish } from '../../support/builders.ts'
import { exchangesOf } from '../../support/exchanges.ts'
import { network } from '../../support/network.ts'
import type { WorldHook } from '../contract.ts'
import { repository } from '../own-server/world.ts'
import { aJob, aRunner, base, type ForgejoWorld, forgejoVersions, open, rootOf, token } from './world.ts'

const never = () => new AbortController().signal
const organization: Scope = { level: 'organization', owner: 'acme', name: null }
const user: Scope = { level: 'user', owner: 'acme', name: null }
const instance: Scope = { level: 'instance', owner: null, name: null }
const listed = (world: Partial<ForgejoWorld>, labels: string[] = ['linux']) =>
  open(world).jobs({ labels, only: null }, never())

describe('the jobs of Forgejo', () => {
  test.each(forgejoVersions)('are listed by v%i for the labels that we serve, as its filter says', async (version) => {
    const jobs = [aJob({ id: 1 }), aJob({ id: 2, runs_on: ['gpu'] }), aJob({ id: 3, runs_on: ['linux', 'gpu'] })]
    expect(await listed({ version, jobs })).toMatchObject({ complete: true, filter: ['linux'], jobs: [{ id: '1' }] })
    const all = await listed({ version, jobs }, ['linux', 'gpu'])
    expect(all).toMatchObject({ filter: ['linux', 'gpu'], jobs: [{ id: '1' }, { id: '2' }, { id: '3' }] })
  })

  test.each`
    version | filter       | ids
    ${11}   | ${['linux']} | ${['1']}
    ${15}   | ${null}      | ${['1', '2']}
  `(
    'are listed by v$version, once it was asked what it can, with the filter $filter',
    async ({ version, filter, ids }) => {
      const forge = open({ version, jobs: [aJob({ id: 1 }), aJob({ id: 2, runs_on: ['gpu'] })] })
      await forge.probe(never())
      const list = await forge.jobs({ labels: ['linux'], only: null }, never())
      expect(list?.filter).toEqual(filter)
      expect(list?.jobs.map(({ id }) => id)).toEqual(ids)
    },
  )

  test('are queued where Forgejo says waiting, and running where it says so', async () => {
    const jobs = [
      aJob({ id: 1 }),
      aJob({ id: 2, status: 'running', task_id: 9 }),
      aJob({ id: 3, status: 'blocked' }),
      aJob({ id: 4, status: 'success' }),
    ]
    expect(await listed({ jobs })).toMatchObject({
      complete: true,
      jobs: [
        { id: '1', state: 'queued' },
        { id: '2', state: 'running' },
      ],
    })
  })

  test('have an attempt and a handle since v15, and a run since v16', async () => {
    const { handle } = aJob()
    expect(await listed({ version: 14, jobs: [aJob()] })).toMatchObject({
      jobs: [{ attempt: null, handle: null, runId: null }],
    })
    expect(await listed({ version: 15, jobs: [aJob()] })).toMatchObject({ jobs: [{ attempt: 1, handle, runId: null }] })
    expect(await listed({ version: 17, jobs: [aJob()] })).toMatchObject({ jobs: [{ attempt: 1, handle, runId: '33' }] })
  })

  // From v15 the outer job of a called workflow has none, and no runner ever takes it.
  test.each([[null], [[]]])('with the labels %j are left out', async (runs_on) => {
    expect(await listed({ jobs: [aJob({ runs_on })] })).toMatchObject({ complete: true, jobs: [] })
  })

  test('are unknown up to v10, which has no list', async () => {
    const forge = open()
    network.use(http.get(`${base}/*/jobs`, () => new HttpResponse(null, { status: 404 })))
    expect(await forge.jobs({ labels: ['linux'], only: null }, never())).toBeNull()
  })

  test.each(forgejoVersions)('of a whole instance are found in v%i, wherever their list is', async (version) => {
    const list = await listed({ version, scope: instance, jobs: [aJob()], repositories: { 7: 'acme/widgets' } })
    expect(list).toMatchObject({ complete: true, jobs: [{ repository: 'acme/widgets', repositoryId: '7' }] })
  })

  test('are never asked for by a label with a comma, which would part it', async () => {
    expect(await listed({ jobs: [aJob()] }, ['linux', 'a,b'])).toMatchObject({
      filter: ['linux'],
      jobs: [{ id: '41' }],
    })
  })

  test('are none where no label is served', async () => {
    expect(await listed({ jobs: [aJob()] }, [])).toEqual({ complete: true, filter: [], jobs: [] })
  })

  test('are incomplete while one of them has a status that nobody knows', async () => {
    const forge = open()
    network.use(http.get(`${base}/*/jobs`, () => HttpResponse.json([aJob(), aJob({ id: 2, status: 'cancelling' })])))
    expect(await forge.jobs({ labels: ['linux'], only: null }, never())).toMatchObject({
      complete: false,
      jobs: [{ id: '41' }],
    })
  })
})

describe('the repository of a job of Forgejo', () => {
  test('is that of the scope at repository level, without asking', async () => {
    const asked: string[] = []
    const list = await listed({ jobs: [aJob({ repo_id: 99 })], asked })
    expect(list).toMatchObject({ jobs: [{ repository: 'acme/widgets' }] })
    expect(asked).toEqual([])
  })

  test('is asked for once, however many looks and jobs there are', async () => {
    const asked: string[] = []
    const jobs = [aJob({ id: 1, repo_id: 7 }), aJob({ id: 2, repo_id: 7 }), aJob({ id: 3, repo_id: 8 })]
    const forge = open({ scope: user, jobs, asked, repositories: { 7: 'acme/widgets' } })
    for (let look = 0; look < 3; look++) {
      expect((await forge.jobs({ labels: ['linux'], only: null }, never()))?.jobs.map((job) => job.repository)).toEqual(
        ['acme/widgets', 'acme/widgets', null],
      )
    }
    expect(asked.toSorted()).toEqual(['7', '8'])
  })

  test('fails the look when the forge stops answering, rather than being unknown', async () => {
    const forge = open({ scope: organization, jobs: [aJob()] })
    network.use(http.get(`${base}/api/v1/repositories/7`, () => new HttpResponse(null, { status: 500 })))
    await expect(forge.jobs({ labels: ['linux'], only: null }, never())).rejects.toMatchObject({
      name: 'ForgeRefused',
      status: 500,
    })
  })
})

describe('the runners of Forgejo', () => {
  test.each([11, 14] as const)('are unknown in v%i, which has no list', async (version) => {
    expect(await open({ version }).runners(never())).toBeNull()
  })

  test.each`
    status       | state
    ${'idle'}    | ${'idle'}
    ${'active'}  | ${'busy'}
    ${'offline'} | ${'offline'}
    ${'strange'} | ${'offline'}
  `('that are $status there are $state', async ({ status, state }) => {
    expect(await open({ runners: [aRunner({ status })] }).runners(never())).toEqual({
      complete: true,
      runners: [{ id: '3', name: 'runner-3', labels: ['linux'], state, ephemeral: true }],
    })
  })

  test('that never connected have no labels', async () => {
    const runners = [aRunner({ status: 'offline', labels: null })]
    expect(await open({ runners }).runners(never())).toMatchObject({ runners: [{ labels: [] }] })
  })

  test.each([
    [repository, 'true'],
    [organization, 'true'],
    [user, 'true'],
    [instance, null],
  ])('of %j are asked for with visible=%s: all that can take its jobs', async (scope, visible) => {
    const forge = open({ scope })
    const asked: (string | null)[] = []
    network.use(
      http.get(`${rootOf(scope)}/actions/runners`, ({ request }) => {
        asked.push(new URL(request.url).searchParams.get('visible'))
      }),
    )
    await forge.runners(never())
    expect(asked).toEqual([visible])
  })
})

describe('a registration at Forgejo', () => {
  const request = { name: 'muster-1', labels: ['linux:docker://node:22'], handle: 'a handle' }

  test.each([15, 17] as const)('is one ephemeral runner in v%i, bound to the handle', async (version) => {
    const runners = [aRunner({ id: 3 })]
    expect(await open({ version, runners }).register(request, never())).toEqual({
      kind: 'forgejo',
      url: base,
      uuid: '5a2f1f0c-53a9-4d8e-9f0e-000000000004',
      token: '0000000000000000000000000000000000000000',
      handle: 'a handle',
    })
    expect(runners[1]).toMatchObject({ name: 'muster-1', ephemeral: true })
  })

  test.each([11, 14] as const)('is the shared token of the scope in v%i', async (version) => {
    for (const scope of [repository, organization, user, instance]) {
      expect(await open({ version, scope }).register(request, never())).toEqual({
        kind: 'registration-token',
        forge: 'forgejo',
        url: base,
        token: 'forgejo-registration-token',
      })
    }
  })
})

// Forgejo quotes a token that it does not know.
test('a refusal of Forgejo that quotes the token shows none of it', async () => {
  const forge = open()
  const message = `access token does not exist [sha: ${token}]`
  network.use(http.all(`${base}/*`, () => HttpResponse.json({ message }, { status: 401 })))
  const error = await forge.runners(never()).catch((error: unknown) => error)
  expect(error).toMatchObject({ name: 'ForgeRefused', status: 401, detail: 'access token does not exist [sha: ***]' })
  expect(String(error)).not.toContain(token)
})

describe('removing a runner of Forgejo', () => {
  const remove = (runners: ForgejoWorld['runners']) =>
    open({ runners }).unregister({ id: '3', name: 'runner-3' }, never())

  test.each(['idle', 'offline'])('succeeds while it is %s', async (status) => {
    const runners = [aRunner({ status })]
    expect(await remove(runners)).toBe('removed')
    expect(runners).toEqual([])
  })

  test('takes two calls while it is offline', async () => {
    const seen = await exchangesOf(() => remove([aRunner({ status: 'offline' })]))
    expect(seen.map(({ method, status }) => `${method} ${status}`)).toEqual(['GET 200', 'DELETE 204'])
  })

  test.each([11, 14] as const)('removes nothing in v%i, which shows none', async (version) => {
    const seen = await exchangesOf(async () => {
      expect(await open({ version }).unregister({ id: '3', name: 'runner-3' }, never())).toBe('removed')
    })
    expect(seen.map(({ method, status }) => `${method} ${status}`)).toEqual(['GET 404'])
  })

  test('is refused while it is active', async () => {
    const runners = [aRunner({ status: 'active' })]
    expect(await remove(runners)).toBe('busy')
    expect(runners).toHaveLength(1)
  })

  // One of a wider scope is listed, because it can take jobs from here, and 404 says that it cannot be removed from here.
  test.each([
    [404, 'No permission to delete this runner'],
    [403, 'user should be the owner of the repo'],
    [500, ''],
  ])('is refused by name where Forgejo answers %i: %s', async (status, message) => {
    const forge = open({ runners: [aRunner()] })
    network.use(http.delete(`${base}/*`, () => HttpResponse.json({ message }, { status })))
    await expect(forge.unregister({ id: '3', name: 'runner-3' }, never())).rejects.toMatchObject({
      name: 'ForgeRefused',
      status,
    })
  })

  test('is content with one that goes just before', async () => {
    const runners = [aRunner()]
    const forge = open({ runners })
    network.use(http.delete(`${base}/*`, () => void runners.splice(0)))
    expect(await forge.unregister({ id: '3', name: 'runner-3' }, never())).toBe('removed')
  })

  test('leaves a runner alone that has its id and another name', async () => {
    const runners = [aRunner({ name: 'somebody else' })]
    expect(await remove(runners)).toBe('removed')
    expect(runners).toHaveLength(1)
  })
})

describe('what Forgejo can do', () => {
  test('is next to nothing at an address that is none of its scopes, and a note says so', async () => {
    const notes: string[] = []
    const forge = open({ notes })
    network.use(http.get(`${base}/api/v1/repos/*`, () => new HttpResponse(null, { status: 404 })))
    expect(await forge.probe(never())).toMatchObject({ jobs: false, runners: false, hooks: false, registration: null })
    expect(notes).toEqual([expect.stringContaining('misspelt')])
  })

  test('is noted to be that of another forge where a Gitea answers', async () => {
    const notes: string[] = []
    const forge = open({ notes })
    network.use(
      http.get(`${base}/api/v1/repos/acme/widgets/actions/runners`, () => HttpResponse.json({ runners: [] })),
      http.get(`${base}/api/v1/repos/*`, () => new HttpResponse(null, { status: 404 })),
      http.get(`${base}/api/v1/version`, () => HttpResponse.json({ version: '1.27.0' })),
    )
    await expect(forge.probe(never())).rejects.toMatchObject({ name: 'ForgeMisshapen' })
    expect(notes).toEqual([expect.stringContaining('gitea:')])
  })

  test('includes job events once a hook kept one', async () => {
    const forge = open({ jobEvents: true })
    await forge.ensureHook?.(wish, never())
    expect(await forge.probe(never())).toMatchObject({ jobEvents: true })
  })
})

const wish = aHookWish()

describe('the webhook of Forgejo', () => {
  const nudges = ['push', 'create', 'pull_request', 'issue_comment', 'release']
  const runs = ['action_run_success', 'action_run_failure', 'action_run_recover']

  test.each([
    [11, nudges],
    [12, [...nudges, ...runs]],
    [15, [...nudges, ...runs]],
  ] as const)('of v%i has the events that hint at new jobs, and a note about the rest', async (version, events) => {
    const state = await open({ version }).ensureHook?.(wish, never())
    expect(state).toMatchObject({ done: 'created', events })
    expect(state?.notes).toEqual([expect.stringContaining('workflow_job')])
  })

  test('has the job events of a version that keeps them', async () => {
    const state = await open({ version: 17, jobEvents: true }).ensureHook?.(wish, never())
    expect(state?.events).toEqual(expect.arrayContaining(['workflow_job_waiting', 'workflow_job_success', ...nudges]))
    expect(state?.notes).toEqual([expect.stringMatching(/dropped the events workflow_job$/)])
  })

  test('gets events back that somebody took away, as far as an edit can', async () => {
    const hooks = [{ id: 4, url: wish.url, secret: 's', active: true, events: ['push', 'action_run_success'] }]
    const state = await open({ state: { hooks } }).ensureHook?.(
      { ...wish, known: { id: '4', secretFits: true } },
      never(),
    )
    expect(state).toMatchObject({ id: '4', done: 'repaired', events: [...nudges, 'action_run_success'] })
  })

  test('is edited at most once in the life of a process for events that the forge drops', async () => {
    const hooks: WorldHook[] = []
    const edits: string[] = []
    const process = () => {
      const forge = open({ state: { hooks } })
      network.use(
        http.patch(`${base}/*`, ({ request }) => {
          edits.push(request.url)
        }),
      )
      return forge
    }
    const ensure = async (forge: Forge) => {
      const known = hooks[0] ? { id: String(hooks[0].id), secretFits: true } : null
      return (await forge.ensureHook?.({ ...wish, known }, never()))?.done
    }
    const first = process()
    expect([await ensure(first), await ensure(first), await ensure(first)]).toEqual(['created', 'kept', 'kept'])
    expect(edits).toHaveLength(0)
    const second = process()
    expect([await ensure(second), await ensure(second), await ensure(second)]).toEqual(['kept', 'kept', 'kept'])
    expect(edits).toHaveLength(1)
  })
})
