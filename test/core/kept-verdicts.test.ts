import { expect, test } from 'vitest'
import type { Facts } from '../../src/core/facts.ts'
import { type Job, jobKey } from '../../src/core/job.ts'
import { shownVerdict, verdictChanges } from '../../src/core/kept-verdicts.ts'
import type { Verdict } from '../../src/core/verdict.ts'
import { aDispatch, aJob, aTarget, at } from '../support/builders.ts'
import { someFacts } from '../support/snapshot.ts'

const now = at('12:00:30')
const full: Verdict = { kind: 'full', target: 'linux', reason: 'max', by: null, dispatcher: null, until: null }
const covered: Verdict = { ...full, kind: 'covered', reason: null, by: { dispatch: 'd' }, until: at('12:05:00') }

function changed(
  found: Verdict,
  before: Verdict | null,
  over: { job?: Job; facts?: Partial<Facts>; window?: number } = {},
) {
  const { job = aJob({ id: '7' }), facts, window = 200 } = over
  const kept = { verdicts: new Map(before ? [[jobKey(job), before]] : []), beyond: new Set<string>() }
  return verdictChanges({
    instance: 'main',
    now,
    facts: { ...someFacts({ jobs: [job], kept }), ...facts },
    targets: [aTarget({ max: 2 })],
    window,
    verdicts: new Map([[jobKey(job), found]]),
  })
}

test('a verdict that is another one is kept and leaves its line, with the numbers that made it', () => {
  const dispatches = [aDispatch({ id: 'd' }), aDispatch(), aDispatch({ target: 'mac' })]
  const { verdicts, events, beyond } = changed(full, covered, { facts: { dispatches } })
  expect(verdicts).toEqual([{ job: { id: '7', round: 1 }, verdict: full }])
  expect(events).toMatchObject([
    {
      type: 'verdict_changed',
      at: now,
      job: { id: '7', round: 1 },
      target: 'linux',
      detail: { from: 'covered', to: 'full', reason: 'max', until: null, live: 2, max: 2 },
    },
  ])
  expect(beyond).toBeNull()
})

test('the first verdict comes from nothing, and its moment is told as people write it', () => {
  const [event] = changed(covered, null).events
  expect(event?.detail).toMatchObject({ from: null, to: 'covered', until: '2026-03-02T12:05:00.000Z' })
})

test('the same verdict again is neither written nor told', () => {
  expect(changed(covered, { ...covered, by: { dispatch: 'd' } })).toEqual({ verdicts: [], beyond: null, events: [] })
})

test('another moment or another runner is kept, and is no news', () => {
  expect(changed({ ...covered, until: at('12:06:00') }, covered)).toMatchObject({ verdicts: [{}], events: [] })
  expect(changed({ ...covered, by: { runner: 'r' } }, covered)).toMatchObject({ verdicts: [{}], events: [] })
})

test.each(['waiting', 'running', 'finished'] as const)(
  'a job that is %s has no verdict to be kept: its state says it all',
  (state) => {
    expect(changed({ ...full, kind: 'running' }, null, { job: aJob({ id: '7', state }) }).verdicts).toEqual([])
  },
)

test('what stands beyond the window is not written down, only that there is something', () => {
  const jobs = ['a', 'b', 'c'].map((id) => aJob({ id }))
  const look = { jobs, kept: { verdicts: new Map(), beyond: new Set<string>() } }
  const verdicts = new Map(jobs.map((job) => [jobKey(job), full]))
  const found = { instance: 'main', now, targets: [], window: 2, verdicts }
  const ids = (facts: Facts) => verdictChanges({ ...found, facts }).verdicts.map(({ job }) => job.id)
  expect(ids(someFacts(look))).toEqual(['a', 'b'])
  expect(verdictChanges({ ...found, facts: someFacts(look) }).beyond).toEqual(['linux'])
  const inWindow = { ...look, jobs: jobs.slice(0, 2), beyond: new Map([['linux', 1]]) }
  expect(verdictChanges({ ...found, facts: someFacts(inWindow) }).beyond).toEqual(['linux'])
  const asBefore = { ...inWindow, kept: { verdicts: new Map(), beyond: new Set(['linux']) } }
  expect(verdictChanges({ ...found, facts: someFacts(asBefore) }).beyond).toBeNull()
  expect(verdictChanges({ ...found, facts: someFacts({ ...asBefore, jobs: [], beyond: new Map() }) }).beyond).toEqual(
    [],
  )
})

const open = { paused: false, beyond: new Set<string>() }

test('a job shows the verdict that was kept of it', () => {
  expect(shownVerdict(aJob(), full, open)).toEqual(full)
})

test('a job that no turn has seen shows none, unless it stands beyond what a turn reads', () => {
  expect(shownVerdict(aJob(), null, open)).toBeNull()
  const longer = { ...open, beyond: new Set(['linux']) }
  expect(shownVerdict(aJob(), null, longer)).toMatchObject({ kind: 'full', reason: 'max' })
  expect(shownVerdict(aJob(), null, { ...longer, paused: true })).toMatchObject({ kind: 'paused' })
})

test.each([
  ['running', { runnerName: 'r' }, { kind: 'running', by: { runner: 'r' } }],
  ['waiting', {}, { kind: 'waiting' }],
  ['queued', { target: null, unassigned: 'not_allowed' }, { kind: 'not_allowed' }],
  ['queued', { target: 'mac' }, null],
  ['finished', {}, null],
] as const)('a job that is %s by now (%j) no longer shows what was kept of it', (state, over, verdict) => {
  const shown = shownVerdict(aJob({ state, ...over }), full, open)
  if (verdict === null) expect(shown).toBeNull()
  else expect(shown).toMatchObject(verdict)
})
