import { HttpResponse, http } from 'msw'
import { describe, expect, test } from 'vitest'
import type { Scope } from '../../../src/core/scope.ts'
import hook from '../../fixtures/gitea-1.27/hook.json' with { type: 'json' }
import { exchangesOf } from '../../support/exchanges.ts'
import { network } from '../../support/network.ts'
import { aJob, aRunner, base, type GiteaWorld, giteaVersions, open, rootOf, token } from './world.ts'

const never = () => new AbortController().signal
const organization: Scope = { level: 'organization', owner: 'acme', name: null }
const instance: Scope = { level: 'instance', owner: null, name: null }
const listed = (world: Partial<GiteaWorld>) => open(world).jobs({ labels: ['linux'], only: null }, never())

describe('the jobs of Gitea', () => {
  test('are unknown in 1.24, which has no list', async () => {
    expect(await listed({ version: '1.24' })).toBeNull()
  })

  test('are the queued and the running ones, not those that could not run yet', async () => {
    const jobs = [
      aJob({ id: 1 }),
      aJob({ id: 2, status: 'in_progress', runner_name: 'runner-3' }),
      aJob({ id: 3, status: 'waiting' }),
      aJob({ id: 4, status: 'completed' }),
    ]
    expect(await listed({ jobs })).toMatchObject({
      complete: true,
      filter: null,
      jobs: [
        { id: '1', state: 'queued', runnerName: null },
        { id: '2', state: 'running', runnerName: 'runner-3' },
      ],
    })
  })

  test('are named after the scope at repository level', async () => {
    const elsewhere = { url: 'https://x.example/api/v1/repos/other/thing/actions/jobs/1', run_url: '' }
    expect(await listed({ jobs: [aJob(elsewhere)] })).toMatchObject({ jobs: [{ repository: 'acme/widgets' }] })
  })

  test.each([
    ['run_url', { run_url: 'http://10.0.0.1:3000/sub/api/v1/repos/acme/tools/actions/runs/9', url: '' }, 'acme/tools'],
    ['url', { run_url: '', url: 'https://gitea.example/api/v1/repos/acme/my.tool-s/actions/jobs/9' }, 'acme/my.tool-s'],
    ['url of 1.24', { run_url: '', url: `${base}/api/v1/repos/acme/tools/actions/runs/9/jobs/3` }, 'acme/tools'],
    [
      'page',
      { run_url: '', url: '', html_url: 'https://x.example/sub/acme/tools/actions/runs/9/jobs/0' },
      'acme/tools',
    ],
    ['nothing', { run_url: 'https://x.example/acme/tools/actions/runs/9', url: '', html_url: '' }, null],
    [
      'an address with escapes',
      { run_url: `${base}/api/v1/repos/a%2Fb/c/actions/runs/9`, url: '', html_url: '' },
      null,
    ],
    ['a query', { run_url: '', url: '', html_url: 'https://x.example/?q=/a/b/actions/runs/9/' }, null],
  ])('are named after their repository by %s elsewhere', async (_, urls, repository) => {
    const list = await listed({ scope: organization, jobs: [aJob(urls)] })
    expect(list).toMatchObject({ jobs: [{ repository }] })
  })

  test('are incomplete while one of them has a status that nobody knows', async () => {
    const world = { jobs: [aJob({ id: 1 }), aJob({ id: 2 })] }
    const forge = open(world)
    network.use(
      http.get(`${rootOf({ level: 'repository', owner: 'acme', name: 'widgets' })}/actions/jobs`, () =>
        HttpResponse.json({ jobs: [aJob({ id: 1 }), aJob({ id: 2, status: 'cancelling' })], total_count: 2 }),
      ),
    )
    expect(await forge.jobs({ labels: [], only: null }, never())).toMatchObject({
      complete: false,
      jobs: [{ id: '1' }],
    })
  })

  // Rows move up when one before them leaves: without a second reading, job 3 would seem to be gone.
  test('are all found when one leaves while the pages are read', async () => {
    const jobs = [1, 2, 3, 4].map((id) => aJob({ id }))
    const forge = open({ jobs, cap: 2 })
    let reads = 0
    network.use(
      http.get(`${rootOf({ level: 'repository', owner: 'acme', name: 'widgets' })}/actions/jobs`, () => {
        if (++reads === 2) jobs.shift()
      }),
    )
    const list = await forge.jobs({ labels: [], only: null }, never())
    expect(list?.jobs.map(({ id }) => id)).toEqual(expect.arrayContaining(['2', '3', '4']))
    expect(list?.complete).toBe(true)
  })

  test('without labels are queued up to 1.26, and may be callers that never run from 1.27', async () => {
    for (const version of giteaVersions.slice(1)) {
      const forge = open({ version, jobs: [aJob({ labels: null })] })
      await forge.probe(never())
      expect((await forge.jobs({ labels: [], only: null }, never()))?.jobs).toHaveLength(version === '1.27' ? 0 : 1)
    }
  })
})

describe('the runners of Gitea', () => {
  test.each`
    status       | busy     | disabled | state
    ${'online'}  | ${false} | ${false} | ${'idle'}
    ${'online'}  | ${true}  | ${false} | ${'busy'}
    ${'online'}  | ${true}  | ${true}  | ${'busy'}
    ${'online'}  | ${false} | ${true}  | ${'offline'}
    ${'offline'} | ${false} | ${false} | ${'offline'}
  `('with status $status, busy $busy and disabled $disabled are $state', async ({ state, ...row }) => {
    expect(await open({ runners: [aRunner(row)] }).runners(never())).toEqual({
      complete: true,
      runners: [{ id: '3', name: 'runner-3', labels: ['linux'], state, ephemeral: true }],
    })
  })
})

describe('removing a runner of Gitea', () => {
  const repository = rootOf({ level: 'repository', owner: 'acme', name: 'widgets' })
  const remove = (world: Partial<GiteaWorld>) => open(world).unregister({ id: '3', name: 'runner-3' }, never())

  test.each(giteaVersions)('succeeds in %s while it is idle', async (version) => {
    const runners = [aRunner()]
    expect(await remove({ version, runners })).toBe('removed')
    expect(runners).toEqual([])
  })

  test('is refused while it is busy', async () => {
    const runners = [aRunner({ busy: true })]
    expect(await remove({ runners })).toBe('busy')
    expect(runners).toEqual([aRunner({ busy: true })])
  })

  test('is refused when it took a job just before it was disabled, and it goes on taking jobs', async () => {
    const runners = [aRunner()]
    const forge = open({ runners })
    network.use(
      http.patch(`${repository}/actions/runners/3`, () => {
        for (const runner of runners) runner.busy = true
      }),
    )
    expect(await forge.unregister({ id: '3', name: 'runner-3' }, never())).toBe('busy')
    expect(runners).toEqual([aRunner({ busy: true, disabled: false })])
  })

  // A step that writes nothing for 10 s makes the runner look idle.
  test('is refused while a running job is on it, however idle it looks', async () => {
    const runners = [aRunner()]
    const jobs = [aJob({ status: 'in_progress', runner_name: 'runner-3' })]
    expect(await remove({ runners, jobs })).toBe('busy')
    expect(runners).toHaveLength(1)
  })

  test('is refused while a running job is on it, although it has been offline for a while', async () => {
    const runners = [aRunner({ status: 'offline' })]
    const jobs = [aJob({ status: 'in_progress', runner_name: 'runner-3' })]
    expect(await remove({ runners, jobs })).toBe('busy')
    expect(runners).toEqual([aRunner({ status: 'offline' })])
  })

  test('takes three calls while it is offline: nobody gives it a job any more', async () => {
    const seen = await exchangesOf(async () => {
      expect(await remove({ runners: [aRunner({ status: 'offline' })] })).toBe('removed')
    })
    expect(seen.map(({ method, status }) => `${method} ${status}`)).toEqual(['GET 200', 'GET 200', 'DELETE 204'])
  })

  test('leaves a runner alone that has its id and another name', async () => {
    const runners = [aRunner({ name: 'somebody else' })]
    expect(await remove({ runners })).toBe('removed')
    expect(runners).toHaveLength(1)
  })
})

describe('what Gitea can do', () => {
  test('excludes hooks where an administrator switched them off', async () => {
    const forge = open()
    network.use(http.get(`${base}/*/hooks`, () => HttpResponse.json({ message: 'webhooks disabled' }, { status: 403 })))
    expect(await forge.probe(never())).toMatchObject({ hooks: false })
  })

  test('is next to nothing at an address that is none of its scopes, and a note says so', async () => {
    const notes: string[] = []
    const forge = open({ notes })
    network.use(http.get(`${base}/api/v1/repos/*`, () => new HttpResponse(null, { status: 404 })))
    expect(await forge.probe(never())).toMatchObject({ jobs: false, runners: false, hooks: false })
    expect(notes).toEqual([expect.stringContaining('misspelt')])
  })

  test('is noted to be another forge where a Forgejo answers', async () => {
    const notes: string[] = []
    const forge = open({ notes })
    network.use(http.get(`${base}/api/v1/version`, () => HttpResponse.json({ version: '15.0.3+gitea-1.22.0' })))
    await forge.probe(never())
    expect(notes).toEqual([expect.stringContaining('Forgejo')])
  })
})

describe('the webhook of Gitea', () => {
  const wish = { url: 'https://muster.example/webhook/main', secret: 's', contentType: 'json', active: true } as const

  test.each<Scope>([organization, instance, { level: 'user', owner: 'acme', name: null }])(
    'is kept at the level $level, too',
    async (scope) => {
      const forge = open({ scope })
      expect(await forge.ensureHook?.({ ...wish, events: [], known: null }, never())).toMatchObject({
        done: 'created',
        events: ['workflow_job'],
      })
    },
  )

  test('is one for the whole instance, not a template for new repositories', async () => {
    const forge = open({ scope: instance })
    const sent: unknown[] = []
    network.use(
      http.post(`${base}/api/v1/admin/hooks`, async ({ request }) => {
        sent.push(await request.clone().json())
      }),
    )
    await forge.ensureHook?.({ ...wish, events: ['workflow_job'], known: null }, never())
    expect(sent).toMatchObject([{ config: { is_system_webhook: 'true' }, type: 'gitea', active: true }])
  })

  test('comes with a note about events that the version does not have', async () => {
    const state = await open().ensureHook?.({ ...wish, events: ['workflow_job', 'telepathy'], known: null }, never())
    expect(state?.notes).toEqual([expect.stringContaining('telepathy')])
  })

  test('comes with a note about private addresses', async () => {
    const url = 'http://10.0.0.7:8090/webhook/main'
    const state = await open().ensureHook?.({ ...wish, url, events: [], known: null }, never())
    expect(state?.notes).toEqual([expect.stringContaining('ALLOWED_HOST_LIST')])
  })

  test('is there before the one that it replaces goes', async () => {
    const old = { id: 4, url: wish.url, secret: 'old', active: true, events: ['workflow_job'] }
    const hooks = [old]
    const forge = open({ state: { hooks } })
    const atDelete: string[][] = []
    network.use(
      http.delete(`${base}/*`, () => {
        atDelete.push(hooks.map(({ secret }) => secret))
      }),
    )
    const state = await forge.ensureHook?.({ ...wish, events: [], known: null }, never())
    expect(atDelete).toEqual([['old', 's']])
    expect(state).toMatchObject({ done: 'replaced', id: '5' })
  })

  test('keeps what somebody added to it when it is repaired', async () => {
    const forge = open({ state: { hooks: [{ id: 4, url: wish.url, secret: 's', active: false, events: [] }] } })
    const added = { branch_filter: 'main', authorization_header: 'Bearer theirs' }
    const edits: unknown[] = []
    network.use(
      http.get(`${base}/*/hooks`, () =>
        HttpResponse.json(
          [{ ...hook, ...added, id: 4, active: false, config: { url: wish.url, content_type: 'json' } }],
          {
            headers: { 'x-total-count': '1' },
          },
        ),
      ),
      http.patch(`${base}/*`, async ({ request }) => {
        edits.push(await request.clone().json())
      }),
    )
    await forge.ensureHook?.({ ...wish, events: [], known: { id: '4', secretFits: true } }, never())
    expect(edits).toMatchObject([{ ...added, active: true, events: ['workflow_job'] }])
  })

  test('stands although an old one cannot be removed, and a note says so', async () => {
    const hooks = [{ id: 4, url: wish.url, secret: 'old', active: true, events: ['workflow_job'] }]
    const forge = open({ state: { hooks } })
    network.use(http.delete(`${base}/*`, () => new HttpResponse(null, { status: 500 })))
    const state = await forge.ensureHook?.({ ...wish, events: [], known: null }, never())
    expect(state).toMatchObject({ done: 'replaced', id: '5', notes: [expect.stringContaining('id 4')] })
  })

  test('never shows its secret in an error', async () => {
    const forge = open()
    network.use(http.post(`${base}/*`, () => HttpResponse.json({ message: 'no' }, { status: 422 })))
    const secret = 'the hook secret'
    const error = await forge.ensureHook?.({ ...wish, secret, events: [], known: null }, never()).catch((e) => e)
    expect(error).toMatchObject({ name: 'ForgeRefused', status: 422 })
    expect(`${error}${JSON.stringify(error)}`).not.toMatch(new RegExp(`${secret}|${token}`))
  })
})

test('an abandoned call of Gitea ends by name', async () => {
  await expect(open().jobs({ labels: [], only: null }, AbortSignal.abort())).rejects.toMatchObject({
    name: 'ForgeUnreachable',
  })
})
