import { HttpResponse, http } from 'msw'
import { describe, expect, test } from 'vitest'
import { exchangesOf } from '../../support/exchanges.ts'
import { network } from '../../support/network.ts'
import { levels } from '../own-server/world.ts'
import { aJob, aRunner, base, giteaVersions, open, rootOf } from './world.ts'

// What each version has, as its own fixtures in test/fixtures/gitea-<version> show it.

const never = () => new AbortController().signal
const table = [
  { version: '1.24', jobs: false, disables: false, callers: false },
  { version: '1.25', jobs: true, disables: false, callers: false },
  { version: '1.26', jobs: true, disables: true, callers: false },
  { version: '1.27', jobs: true, disables: true, callers: true },
] as const

test('the table names each version', () => {
  expect(table.map(({ version }) => version)).toEqual(giteaVersions)
})

describe.each(table)('Gitea $version', ({ version, jobs, disables, callers }) => {
  test('is found out by asking, at every level', async () => {
    for (const scope of levels) {
      const notes: string[] = []
      expect(await open({ version, scope, notes }).probe(never())).toEqual({
        version: expect.stringMatching(`^${version}\\.`),
        jobs,
        runners: true,
        jobEvents: true,
        hooks: true,
        registration: 'each',
        recovers: false,
      })
      expect(notes).toEqual([])
    }
  })

  test('is known by what it does, whatever number it names', async () => {
    const forge = open({ version, jobs: [aJob({ labels: null })] })
    network.use(http.get(`${base}/api/v1/version`, () => HttpResponse.json({ version: 'development' })))
    expect(await forge.probe(never())).toMatchObject({ version: 'development', jobs })
    const list = await forge.jobs({ labels: ['linux'], only: null }, never())
    expect(list?.jobs.length ?? null).toBe(jobs ? (callers ? 0 : 1) : null)
  })

  test(`${jobs ? 'lists its jobs' : 'has no list of jobs'}, without any filter`, async () => {
    const rows = [aJob({ id: 1 }), aJob({ id: 2, labels: ['gpu'] }), aJob({ id: 3, status: 'waiting' })]
    const list = await open({ version, jobs: rows }).jobs({ labels: ['linux'], only: null }, never())
    expect(list && { ...list, jobs: list.jobs.map(({ id }) => id).sort() }).toEqual(
      jobs ? { complete: true, filter: null, jobs: ['1', '2'] } : null,
    )
  })

  test('gives fewer rows in a page than it is asked for, and all are found', async () => {
    const rows = Array.from({ length: 25 }, (_, index) => aJob({ id: index + 1 }))
    const runners = Array.from({ length: 25 }, (_, index) => aRunner({ id: index + 1, name: `runner-${index + 1}` }))
    const forge = open({ version, cap: 10, jobs: rows, runners })
    expect((await forge.runners(never()))?.runners).toHaveLength(25)
    if (!jobs) return
    const list = await forge.jobs({ labels: ['linux'], only: null }, never())
    expect(list).toMatchObject({ complete: true })
    expect(list?.jobs).toHaveLength(25)
  })

  // Up to 1.26 rows that are alike come in any order, so that two pages may show one row, and another one none.
  test('never proves that a job is gone by pages that overlap', async () => {
    if (!jobs) return
    const [one, two] = [1, 2].map((id) => aJob({ id }))
    const forge = open({ version })
    const pages = [[one, two], [two]]
    network.use(
      http.get(`${base}/*/actions/jobs`, ({ request }) => {
        const page = Number(new URL(request.url).searchParams.get('page'))
        return HttpResponse.json({ jobs: pages[page - 1] ?? [], total_count: 3 })
      }),
    )
    const list = await forge.jobs({ labels: ['linux'], only: null }, never())
    expect(list).toMatchObject({ complete: false, jobs: [{ id: '1' }, { id: '2' }] })
  })

  // Runners that were last heard of in the same second come in any order, too.
  test('never proves that a runner is gone by pages that overlap', async () => {
    const forge = open({ version })
    const [one, two] = [1, 2].map((id) => aRunner({ id, name: `runner-${id}` }))
    const pages = [[one, two], [two]]
    network.use(
      http.get(`${base}/*/actions/runners`, ({ request }) => {
        const page = Number(new URL(request.url).searchParams.get('page'))
        return HttpResponse.json({ runners: pages[page - 1] ?? [], total_count: 3 })
      }),
    )
    expect(await forge.runners(never())).toMatchObject({ complete: false, runners: [{ id: '1' }, { id: '2' }] })
  })

  test('says null where it means an empty list', async () => {
    const forge = open({ version })
    network.use(
      http.get(`${base}/*/actions/jobs`, () => HttpResponse.json({ jobs: null, total_count: 0 })),
      http.get(`${base}/*/actions/runners`, () => HttpResponse.json({ runners: null, total_count: 0 })),
    )
    expect(await forge.jobs({ labels: [], only: null }, never())).toMatchObject({ complete: true, jobs: [] })
    expect(await forge.runners(never())).toEqual({ complete: true, runners: [] })
  })

  test('shows a runner whether or not it can be disabled, and without labels', async () => {
    const runners = [aRunner({ disabled: disables, labels: [] })]
    const list = await open({ version, runners }).runners(never())
    expect(list?.runners).toMatchObject([{ state: disables ? 'offline' : 'idle', labels: [] }])
  })

  test(`removes an idle runner, ${disables ? 'disabled before' : 'looked at just before'}`, async () => {
    for (const scope of levels) {
      const runners = [aRunner()]
      const forge = open({ version, scope, runners })
      const seen = await exchangesOf(async () => {
        expect(await forge.unregister({ id: '3', name: 'runner-3' }, never())).toBe('removed')
      })
      expect(runners).toEqual([])
      expect(seen.at(-1)).toMatchObject({ method: 'DELETE', status: 204 })
      expect(seen.find(({ method }) => method === 'PATCH')?.status).toBe(disables ? 200 : 405)
      expect(seen.every(({ url }) => url.href.startsWith(rootOf(scope)))).toBe(true)
    }
  })
})
