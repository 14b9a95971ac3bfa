import { HttpResponse, http } from 'msw'
import { expect, test } from 'vitest'
import { aJobRow, aRepositoryRow, aRunRow } from '../../fixtures/github/rows.ts'
import { network } from '../../support/network.ts'
import { API, aGithub, authorised, enterprise, never, organization, pageOf, refusal, type Setup } from './github.ts'

interface RepositoryState {
  waiting?: object[]
  pending?: object[]
  queued?: object[]
  in_progress?: object[]
  /** By run id. A run that is not here was deleted meanwhile. */
  jobs?: Record<string, object[]>
}

/** Repositories with runs; answers the names of those that were asked, in order. */
function actions(repositories: Record<string, RepositoryState>): string[] {
  const asked: string[] = []
  for (const [name, { jobs = {}, ...lists }] of Object.entries(repositories)) {
    const runsBy = new Map(Object.entries(lists))
    network.use(
      http.get(
        `${API}/repos/${name}/actions/runs`,
        authorised(({ request }) => {
          asked.push(name)
          const status = new URL(request.url).searchParams.get('status')
          // Without a status GitHub would list the finished ones too.
          const runs = status === null ? [aRunRow(1)] : (runsBy.get(status) ?? [])
          return HttpResponse.json({ total_count: runs.length, workflow_runs: pageOf(request, runs) })
        }),
      ),
      http.get(
        `${API}/repos/${name}/actions/runs/:id/jobs`,
        authorised(({ request, params }) => {
          const rows = jobs[String(params.id)]
          if (rows === undefined) return refusal(404, 'Not Found')
          const latest = new URL(request.url).searchParams.get('filter') === 'latest'
          const answered = latest ? rows : [aJobRow(666), ...rows]
          return HttpResponse.json({ total_count: answered.length, jobs: pageOf(request, answered) })
        }),
      ),
    )
  }
  return asked
}

function holds(rows: object[], owner = 'acme') {
  network.use(
    http.get(
      `${API}/orgs/${owner}/repos`,
      authorised(({ request }) => HttpResponse.json(pageOf(request, rows))),
    ),
  )
}

async function look(setup: Setup = {}) {
  const list = await aGithub(setup).jobs({ labels: ['linux'], only: null }, never())
  return { ...list, ids: list?.jobs.map(({ id }) => id).sort() }
}

/** Rows for the numbers from 1 to `count`. */
function many<Row>(count: number, row: (number: number) => Row): Row[] {
  return Array.from({ length: count }, (_, index) => row(index + 1))
}

test('queued, running and waiting jobs are listed, finished ones are not', async () => {
  actions({
    'acme/widgets': {
      queued: [aRunRow(10)],
      jobs: {
        10: [
          aJobRow(1),
          aJobRow(2, { status: 'in_progress', runner_name: 'muster-a' }),
          aJobRow(3, { status: 'waiting' }),
          aJobRow(4, { status: 'pending' }),
          aJobRow(5, { status: 'completed', conclusion: 'success' }),
          aJobRow(6, { status: 'a word of tomorrow' }),
        ],
      },
    },
  })
  expect(await look()).toMatchObject({
    complete: true,
    filter: null,
    jobs: [
      { id: '1', state: 'queued', labels: ['linux'], repository: 'acme/widgets', runnerName: null },
      { id: '2', state: 'running', runnerName: 'muster-a' },
      { id: '3', state: 'waiting' },
      { id: '4', state: 'waiting' },
      { id: '6', state: 'waiting' },
    ],
  })
})

test('a run in progress may hold queued jobs, and one that moves between the lists is read once', async () => {
  actions({
    'acme/widgets': {
      queued: [aRunRow(10), aRunRow(11)],
      in_progress: [aRunRow(11), aRunRow(12)],
      jobs: { 10: [aJobRow(1)], 11: [aJobRow(2)], 12: [aJobRow(3)] },
    },
  })
  expect(await look()).toMatchObject({ complete: true, ids: ['1', '2', '3'] })
})

// skillberry-ai/cap-evolve#228: a matrix of which some jobs are held back is pending as a whole.
test('a run that waits or is pending may hold queued jobs too', async () => {
  actions({
    'acme/widgets': {
      waiting: [aRunRow(10)],
      pending: [aRunRow(11)],
      jobs: {
        10: [aJobRow(1), aJobRow(2, { status: 'waiting' })],
        11: [aJobRow(3), aJobRow(4, { status: 'pending' })],
      },
    },
  })
  const { complete, jobs } = await look()
  expect(complete).toBe(true)
  expect(jobs?.filter(({ state }) => state === 'queued').map(({ id }) => id)).toEqual(['1', '3'])
})

test('a run of 150 jobs is read to its last page', async () => {
  actions({ 'acme/widgets': { queued: [aRunRow(10)], jobs: { 10: many(150, aJobRow) } } })
  const { complete, jobs } = await look()
  expect(complete).toBe(true)
  expect(new Set(jobs?.map(({ id }) => id)).size).toBe(150)
})

test('130 runs are read to their last page', async () => {
  const jobs = Object.fromEntries(many(130, (id) => [id, [aJobRow(id)]]))
  actions({ 'acme/widgets': { queued: many(130, (id) => aRunRow(id)), jobs } })
  const { complete, ids } = await look()
  expect(complete).toBe(true)
  expect(ids).toHaveLength(130)
})

// KEDA#8123: such runs stay queued for ever and cannot be cancelled.
test('a ghost run, which has no jobs, is no demand', async () => {
  actions({ 'acme/widgets': { queued: [aRunRow(10), aRunRow(11)], jobs: { 10: [], 11: [aJobRow(1)] } } })
  expect(await look()).toMatchObject({ complete: true, ids: ['1'] })
})

test('a run that is deleted while we look is no demand', async () => {
  actions({ 'acme/widgets': { queued: [aRunRow(10), aRunRow(11)], jobs: { 11: [aJobRow(1)] } } })
  expect(await look()).toMatchObject({ complete: true, ids: ['1'] })
})

test('a thousand runs are all that GitHub lists, so such a list is incomplete', async () => {
  const runs = many(1_000, (id) => aRunRow(id))
  actions({ 'acme/widgets': { queued: runs, jobs: { 1: [aJobRow(1)] } } })
  expect(await look()).toMatchObject({ complete: false, ids: ['1'] })
})

test('a job with an id beyond 32 bits is the same in a list as in a delivery', async () => {
  actions({ 'acme/widgets': { queued: [aRunRow(10)], jobs: { 10: [aJobRow(102_400_000_123)] } } })
  expect(await look()).toMatchObject({ ids: ['102400000123'] })
})

test('an organization is walked through, archived and disabled repositories left out', async () => {
  holds([
    aRepositoryRow('acme/archived', { archived: true }),
    aRepositoryRow('acme/calm'),
    aRepositoryRow('acme/disabled', { disabled: true }),
    aRepositoryRow('acme/empty', { pushed_at: null }),
    aRepositoryRow('acme/lively'),
  ])
  actions({
    'acme/calm': { queued: [aRunRow(10, 'acme/calm')], jobs: { 10: [aJobRow(1)] } },
    'acme/lively': { in_progress: [aRunRow(11, 'acme/lively')], jobs: { 11: [aJobRow(2)] } },
    'acme/empty': {},
  })
  const { complete, jobs } = await look({ scope: organization })
  expect(complete).toBe(true)
  expect(jobs?.map(({ id, repository }) => `${repository} ${id}`).sort()).toEqual(['acme/calm 1', 'acme/lively 2'])
})

test('a repository whose list is incomplete leaves the look incomplete', async () => {
  holds([aRepositoryRow('acme/busy'), aRepositoryRow('acme/fine')])
  actions({ 'acme/busy': { queued: many(1_000, (id) => aRunRow(id, 'acme/busy')) }, 'acme/fine': {} })
  expect(await look({ scope: organization })).toMatchObject({ complete: false })
})

test('the repositories that were pushed last are asked first', async () => {
  const names = many(9, (day) => aRepositoryRow(`acme/r${day}`, { pushed_at: `2026-03-0${day}T00:00:00Z` }))
  holds(names)
  const asked = actions(Object.fromEntries(many(9, (day) => [`acme/r${day}`, {}])))
  await look({ scope: organization })
  expect(asked.indexOf('acme/r9')).toBeLessThan(asked.indexOf('acme/r1'))
  expect(asked.slice(0, 4)).not.toContain('acme/r1')
})

test('an organization of 120 repositories is walked through to the last, at a pace that GitHub allows', async () => {
  const names = many(120, (id) => `acme/r${id}`)
  holds(names.map((name) => aRepositoryRow(name)))
  const asked = actions(Object.fromEntries(names.map((name) => [name, {}])))
  const waits: number[] = []
  expect(await look({ scope: organization, waits })).toMatchObject({ complete: true, jobs: [] })
  expect(new Set(asked).size).toBe(120)
  expect(waits).not.toEqual([])
})

// docs.github.com, "Best practices": requests are to be made one by one rather than all at once.
test('no more than four reads are under way at once, however many repositories and runs there are', async () => {
  const names = many(20, (id) => `acme/r${id}`)
  holds(names.map((name) => aRepositoryRow(name)))
  let [inside, most] = [0, 0]
  const counted = (answer: () => object) => async () => {
    most = Math.max(most, ++inside)
    await new Promise(setImmediate)
    inside--
    return HttpResponse.json(answer())
  }
  const runs = many(10, (id) => aRunRow(id))
  network.use(
    http.get(
      `${API}/repos/acme/:name/actions/runs`,
      counted(() => ({ total_count: 10, workflow_runs: runs })),
    ),
    http.get(
      `${API}/repos/acme/:name/actions/runs/:id/jobs`,
      counted(() => ({ total_count: 0, jobs: [] })),
    ),
  )
  expect(await look({ scope: organization })).toMatchObject({ complete: true })
  expect(most).toBe(4)
})

test.each([403, 404, 410, 500])(
  'a repository that answers %i leaves the look incomplete, and is told once',
  async (status) => {
    holds([aRepositoryRow('acme/broken'), aRepositoryRow('acme/fine')])
    network.use(http.get(`${API}/repos/acme/broken/actions/runs`, () => refusal(status, 'No')))
    actions({ 'acme/fine': { queued: [aRunRow(10, 'acme/fine')], jobs: { 10: [aJobRow(1)] } } })
    const notes: string[] = []
    const github = aGithub({ scope: organization, notes })
    for (let looks = 0; looks < 2; looks++) {
      expect(await github.jobs({ labels: [], only: null }, never())).toMatchObject({
        complete: false,
        jobs: [{ id: '1' }],
      })
    }
    expect(notes).toEqual([expect.stringContaining('acme/broken')])
  },
)

test.each([
  ['a token that was revoked', () => refusal(401, 'Bad credentials'), 'ForgeRefused'],
  ['a rate limit', () => refusal(429, 'API rate limit exceeded'), 'ForgeLimited'],
  // Else a GitHub that answers no more would be waited for once for each of some hundred repositories.
  ['silence', () => HttpResponse.error(), 'ForgeUnreachable'],
])('%s ends the look at an organization, because it is no trouble of one repository', async (_, answer, name) => {
  holds([aRepositoryRow('acme/first'), aRepositoryRow('acme/second')])
  network.use(http.get(`${API}/repos/acme/:name/actions/runs`, answer))
  await expect(look({ scope: organization })).rejects.toMatchObject({ name })
})

test('a look that is given up says so, and is not taken for an incomplete one', async () => {
  holds([aRepositoryRow('acme/first')])
  const ending = new AbortController()
  network.use(
    http.get(`${API}/repos/acme/first/actions/runs`, async () => {
      ending.abort()
      return refusal(500, 'Too late')
    }),
  )
  await expect(aGithub({ scope: organization }).jobs({ labels: [], only: null }, ending.signal)).rejects.toThrow()
})

test('an enterprise has no list of jobs, and is not asked for one', async () => {
  expect(await aGithub({ scope: enterprise }).jobs({ labels: [], only: null }, never())).toBeNull()
})
