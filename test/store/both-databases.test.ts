import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Dispatch } from '../../src/core/dispatch.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import { openPostgresStore } from '../../src/store/postgres.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { aDeliveredJob, aDelivery, aDispatch, aJob, aRequest, aRunner, at } from '../support/builders.ts'
import { postgresServer } from '../support/postgres.ts'
import { aHolder, ask, changes, limits } from '../support/store.ts'

const server = await postgresServer()
const url = (await server?.newDatabase()) ?? ''

const minute = 60_000

/** One call on a store, made of a few choices; `epochs` is what the holders believe. */
type Step = readonly [kind: number, one: number, other: number]

async function perform(store: Store, [kind, one, other]: Step, epochs: Map<string, number>, number: number) {
  const now = at('12:00:00') + number * minute
  const id = `j${one % 4}`
  const holder = `holder-${other % 2}`
  const epoch = epochs.get(holder) ?? 0
  const job = { id, round: 1 }
  const dispatch = (name: string): Dispatch => aDispatch({ id: name, state: 'intended', intendedAt: now, job })
  switch (kind) {
    case 0:
    case 1: {
      const state = (['waiting', 'queued', 'running', 'finished'] as const)[other % 4]!
      const told = aDeliveredJob({ id, state, labels: other % 3 === 0 ? ['mac'] : ['linux'] })
      return store.recordDelivery(
        aDelivery({ id: `d${number % 7}`, receivedAt: now, nudge: other % 5 === 0, jobs: [told] }),
      )
    }
    case 2: {
      const taken = await store.lease('main', aHolder(holder, `host-${other % 3}`), now, (one % 3) * minute)
      if (taken !== null) epochs.set(holder, taken)
      return taken
    }
    case 3:
      return store.intend(
        'main',
        epoch,
        [dispatch(`x${one % 6}`), dispatch(`x${other % 6}`)],
        limits({ linux: 1 + (one % 3) }),
      )
    case 4: {
      const outcomes: readonly Outcome[] = [
        { kind: 'sent', at: now },
        { kind: 'accepted', at: now, name: `runner-${one % 6}`, outlived: null, blocking: false },
        { kind: 'refused', at: now, reason: 'no room', retryAt: null },
        { kind: 'unknown', at: now, reason: 'broken off' },
        { kind: 'gone', at: now, why: 'released', by: 'ann' },
      ]
      return store.settle(`x${one % 6}`, outcomes[other % 5]!, other % 2 === 0 ? epoch : undefined)
    }
    case 5: {
      const row = await store.job('main', id)
      const jobs = [{ ...(row ?? aJob({ id })), conclusion: `turn ${number}` }]
      return store.save(
        'main',
        epoch,
        changes({ jobs, runners: [aRunner({ id: '1', name: `r${other % 3}`, goneAt: other % 2 ? now : null })] }),
      )
    }
    case 6:
      return other % 2 === 0
        ? store.pause('main', { at: now, by: 'ann', reason: null })
        : store.resume('main', { at: now, by: 'ann', reason: null })
    case 7:
      return store.request({
        instance: 'main',
        at: now,
        by: 'ann',
        requests: [aRequest({ id: `q${number}`, askedAt: now })],
        answer: `answer ${number}`,
        key: { value: `k${one % 3}`, digest: `${other % 2}` },
      })
    case 8:
      return store.cancel(`q${one % 20}`, now, 'ann')
    case 9:
      return store.prune(now - 10 * minute)
    default:
      return store.facts(
        'main',
        ask({ window: 1 + (one % 3), ids: [id], since: now - minute, listedSince: now - 5 * minute }),
      )
  }
}

/** Everything that a store shows, and what each call answered. */
async function run(store: Store, steps: readonly Step[]): Promise<unknown> {
  const epochs = new Map<string, number>()
  const rung: string[] = []
  store.onBell((instance) => rung.push(instance))
  const answers: unknown[] = []
  for (const [number, step] of steps.entries()) {
    const answer = await perform(store, step, epochs, number).catch((error: Error) => error.name)
    answers.push(answer)
  }
  const all = { limit: 500 }
  const dump = {
    answers,
    rung,
    facts: await store.facts('main', ask()),
    jobs: (await store.jobs(all)).items,
    dispatches: (await store.dispatches(all)).items,
    runners: (await store.runners(all)).items,
    requests: (await store.requests(all)).items,
    events: (await store.events(all)).items.map(({ id: _, ...event }) => event),
    overview: await store.overview(at('13:00:00')),
    deliveries: await store.deliveries('main'),
    uses: await store.secretUses('main'),
  }
  await store.close()
  return dump
}

const step = fc.tuple(fc.nat(10), fc.nat(59), fc.nat(59))

describe.skipIf(server === null)('SQLite and PostgreSQL', () => {
  test('answer the same to the same calls, ring the same bells, and hold the same in the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 50 }), async (steps) => {
        await server?.empty(url)
        const inFile = await run(await openSqliteStore({ path: ':memory:' }), steps)
        const onServer = await run(await openPostgresStore({ url, leaseClock: 'caller' }), steps)
        expect(onServer).toEqual(inFile)
      }),
      { numRuns: 12 },
    )
  }, 300_000)
})
