import { HttpResponse, http } from 'msw'
import { describe, expect, test } from 'vitest'
import { exchangesOf } from '../../support/exchanges.ts'
import { network } from '../../support/network.ts'
import { levels } from '../own-server/world.ts'
import { aJob, aRunner, base, forgejoVersions, open } from './world.ts'

// What each version has, as its own fixtures in test/fixtures/forgejo-<version> show it.

const never = () => new AbortController().signal
const table = [
  { version: 11, runners: false, handles: false, runs: false },
  { version: 12, runners: false, handles: false, runs: false },
  { version: 13, runners: false, handles: false, runs: false },
  { version: 14, runners: false, handles: false, runs: false },
  { version: 15, runners: true, handles: true, runs: false },
  { version: 16, runners: true, handles: true, runs: true },
  { version: 17, runners: true, handles: true, runs: true },
] as const

test('the table names each version', () => {
  expect(table.map(({ version }) => version)).toEqual(forgejoVersions)
})

describe.each(table)('Forgejo $version', ({ version, runners, handles, runs }) => {
  test('is found out by asking, at every level', async () => {
    for (const scope of levels) {
      const notes: string[] = []
      expect(await open({ version, scope, notes }).probe(never())).toEqual({
        version: expect.stringMatching(`^${version}\\.`),
        jobs: true,
        runners,
        jobEvents: false,
        hooks: true,
        registration: runners ? 'each' : 'shared',
        recovers: false,
      })
      expect(notes).toEqual([])
    }
  })

  test('is known by what it does, whatever number it names', async () => {
    const forge = open({ version })
    network.use(http.get(`${base}/api/v1/version`, () => HttpResponse.json({ version: 'development' })))
    expect(await forge.probe(never())).toMatchObject({ version: 'development', jobs: true, runners })
  })

  // A question without labels is answered with nothing up to v13: what is not asked for is not told of.
  test(`proves nothing outside ${runners ? 'no filter' : 'the labels that were asked for'}`, async () => {
    const forge = open({ version, jobs: [aJob({ id: 1 }), aJob({ id: 2, runs_on: ['gpu'] })] })
    await forge.probe(never())
    const list = await forge.jobs({ labels: ['linux'], only: null }, never())
    expect(list).toMatchObject({ complete: true, filter: runners ? null : ['linux'] })
    expect(list?.jobs.map(({ id }) => id)).toEqual(runners ? ['1', '2'] : ['1'])
  })

  test('asks by labels before it is known what it can', async () => {
    const seen = await exchangesOf(() => open({ version }).jobs({ labels: ['linux', 'gpu'], only: null }, never()))
    expect(seen.map(({ url }) => url.searchParams.get('labels'))).toEqual(['linux,gpu'])
  })

  test('says null where it means an empty list', async () => {
    expect(await open({ version }).jobs({ labels: ['linux'], only: null }, never())).toEqual({
      complete: true,
      filter: ['linux'],
      jobs: [],
    })
    const forge = open({ version })
    network.use(http.get(`${base}/*/actions/runners`, () => HttpResponse.json(null)))
    expect(await forge.runners(never())).toEqual({ complete: true, runners: [] })
  })

  test(`tells a job ${handles ? 'with' : 'without'} its attempt and ${runs ? 'with' : 'without'} its run`, async () => {
    const list = await open({ version, jobs: [aJob()] }).jobs({ labels: ['linux'], only: null }, never())
    const { attempt, handle } = aJob()
    expect(list?.jobs).toMatchObject([
      { attempt: handles ? attempt : null, handle: handles ? handle : null, runId: runs ? '33' : null },
    ])
  })

  test(runners ? 'lists all its runners, however few a page has' : 'has no list of runners', async () => {
    const rows = Array.from({ length: 25 }, (_, index) => aRunner({ id: index + 1, name: `runner-${index + 1}` }))
    for (const scope of levels) {
      const list = await open({ version, scope, cap: 10, runners: rows }).runners(never())
      expect(list?.runners.length ?? null).toBe(runners ? 25 : null)
    }
  })

  test(`registers by ${runners ? 'one call for each runner' : 'a token that all share, wherever that is'}`, async () => {
    for (const scope of levels) {
      const rows: ReturnType<typeof aRunner>[] = []
      const forge = open({ version, scope, runners: rows })
      const credential = await forge.register({ name: 'muster-1', labels: ['linux'], handle: null }, never())
      expect(credential.kind).toBe(runners ? 'forgejo' : 'registration-token')
      expect(rows).toHaveLength(runners ? 1 : 0)
    }
  })
})
