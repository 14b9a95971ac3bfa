import { backoffKey, openedAt } from './backoff.ts'
import { type Dispatch, isPending } from './dispatch.ts'
import type { Draft } from './draft.ts'
import { type Job, jobKey } from './job.ts'
import { comparable, fits, type LabelRules } from './labels.ts'
import type { Runner } from './runner.ts'

/** Ties dispatches to the runners that showed themselves: by name where one is known, else the oldest dispatch to the first new stranger that fits. */
export function tie(draft: Draft, rules: LabelRules): void {
  for (const { id } of draft.dispatches) bindByName(draft, id)
  const taken = new Set(draft.dispatches.flatMap(({ runnerName }) => (runnerName === null ? [] : [runnerName])))
  for (const dispatch of draft.dispatches) {
    // One whose name is known, given or answered, is awaited by that name: a stranger that comes meanwhile is not it.
    if (dispatch.runner !== null || dispatch.runnerName !== null || dispatch.sentAt === null) continue
    const runner = draft.runners
      .filter((candidate) => candidate.dispatch === null && !taken.has(candidate.name) && candidate.state !== 'offline')
      .filter((candidate) => candidate.firstSeenAt >= dispatch.sentAt! && suits(dispatch, candidate, rules))
      .sort((a, b) => a.firstSeenAt - b.firstSeenAt)[0]
    if (runner) bind(draft, dispatch, runner, 'inference')
  }
}

/** A name tells better than an inference: whoever was tied to this runner by one lets go of it, and of what ran there. */
function bindByName(draft: Draft, id: string): void {
  const dispatch = draft.dispatch(id)
  if (!dispatch || dispatch.tiedBy === 'name' || dispatch.sentAt === null) return
  const named = draft.runner(dispatch.runnerName)
  if (!named || named.state === 'gone') return
  const holder = draft.dispatch(named.dispatch)
  const mistaken = holder && holder.id !== id && holder.tiedBy === 'inference' ? holder : null
  if (mistaken) letGo(draft, mistaken)
  const left = draft.runner(dispatch.runner)
  if (left && left.name !== named.name) {
    letGo(draft, dispatch)
    draft.setRunner({ ...left, dispatch: null })
  }
  const bound = bind(draft, draft.dispatch(id) ?? dispatch, named, 'name')
  if (mistaken?.ran) ranOn(draft, mistaken.ran, bound)
}

function letGo(draft: Draft, dispatch: Dispatch): void {
  if (ranAnother(dispatch)) charge(draft, dispatch, 1)
  draft.setDispatch({ ...dispatch, runner: null, tiedBy: null, tiedAt: null, ran: null })
}

/** A runner known only from a job carries that job's labels: less than what it offers. Elsewhere it must offer all that was asked for. */
function suits(dispatch: Dispatch, runner: Runner, rules: LabelRules): boolean {
  if (runner.listedAt === null) return runner.labels.length === 0 || fits(runner.labels, dispatch.offers, rules)
  const offers = runner.labels.map((label) => comparable(label, rules))
  return fits(dispatch.offers, offers, rules)
}

function bind(draft: Draft, dispatch: Dispatch, runner: Runner, tiedBy: 'name' | 'inference'): Dispatch {
  const bound: Dispatch = { ...dispatch, runner: runner.name, tiedBy, tiedAt: draft.now }
  draft.setDispatch(bound)
  draft.setRunner({ ...runner, dispatch: dispatch.id })
  provesStart(draft, dispatch)
  draft.tell(
    'runner_tied',
    { job: dispatch.job, dispatch: dispatch.id, target: dispatch.target, runner: runner.name },
    { tied_by: tiedBy },
  )
  return bound
}

/** A runner that came is as good as an answer: a dispatcher that blocks answers the probe of its breaker only when that runner has ended. */
function provesStart(draft: Draft, { state, dispatcher, intendedAt }: Dispatch): void {
  const breaker = draft.backoff(backoffKey.breaker(dispatcher))
  const since = breaker ? openedAt(breaker) : null
  if (breaker && since !== null && state === 'sent' && intendedAt >= since) draft.clear(breaker.key)
}

/**
 * Spends each start once: on the runner that the job names, or, where that is unknown, on an idle runner and on the cover of the
 * oldest dispatch that could have been it. `beganAt` is the look's, when this turn has one: its list already shows who is idle.
 * Answers the jobs that were seen to run.
 */
export function spendStarts(draft: Draft, rules: LabelRules, beganAt: number | null): Job[] {
  const started: Job[] = []
  for (const job of draft.jobs) {
    if (job.startSpent || (job.state !== 'running' && job.state !== 'finished')) continue
    draft.setJob({ ...job, startSpent: true })
    if (job.seenRunningAt !== null) started.push(job)
    const runner = runnerOf(draft, job)
    if (runner) startOn(draft, job, runner)
    else if (job.state === 'running' || !wasCancelled(job)) startOnUnknown(draft, job, rules, beganAt)
  }
  return started
}

/** A runner that a job names and nobody listed yet: noted, so that it can be tied. */
export function noteNamedRunners(draft: Draft): void {
  for (const job of draft.jobs) {
    if (job.startSpent || job.runnerName === null || (job.state !== 'running' && job.state !== 'finished')) continue
    if (draft.runner(job.runnerName)) continue
    const at = job.seenRunningAt ?? job.seenFinishedAt ?? draft.now
    draft.setRunner({
      instance: draft.instance,
      name: job.runnerName,
      id: null,
      labels: job.labels,
      state: 'busy',
      dispatch: null,
      firstSeenAt: at,
      listedAt: null,
      idleSince: null,
      idleLooks: 0,
      worked: true,
      goneAt: null,
      version: 0,
    })
  }
}

function runnerOf(draft: Draft, job: Job): Runner | null {
  if (job.runnerName !== null) {
    const runner = draft.runner(job.runnerName)
    // A stranger that no look listed and no dispatch explains: some runner took the job, nobody knows from where.
    return runner && (runner.dispatch !== null || runner.listedAt !== null) ? runner : null
  }
  const bound = draft.dispatches.find(
    ({ handle, job: asked }) => handle !== null && asked?.id === job.id && asked.round === job.round,
  )
  return bound ? draft.runner(bound.runner) : null
}

function startOn(draft: Draft, job: Job, runner: Runner): void {
  // One that is gone by now has worked all the same.
  const state = runner.state === 'gone' ? 'gone' : 'busy'
  draft.setRunner({ ...runner, state, idleSince: null, idleLooks: 0, worked: true })
  const dispatch = draft.dispatch(runner.dispatch)
  if (dispatch && dispatch.goneAt === null) ranOn(draft, job, dispatch)
}

/** What its runner was thought to work on, it did not: nobody knows what it does. */
export function mistook(draft: Draft, dispatch: Dispatch): null {
  if (ranAnother(dispatch)) charge(draft, dispatch, 1)
  draft.setDispatch({ ...dispatch, ran: null })
  return null
}

type Round = NonNullable<Dispatch['ran']>

/** The runner of this dispatch works on a round. When another one had asked for it, that one has not had its runner yet. */
function ranOn(draft: Draft, { id, round }: Round, dispatch: Dispatch): void {
  const first = dispatch.ran === null
  const worked = { ...dispatch, ran: { id, round } }
  draft.setDispatch(worked)
  if (first && ranAnother(worked)) charge(draft, worked, -1)
}

function ranAnother({ job, ran }: Dispatch): boolean {
  return job !== null && ran !== null && jobKey(job) !== jobKey(ran)
}

/** Among the runners that the round which asked for this one may get, it counts, or does not. */
function charge(draft: Draft, { job }: Dispatch, by: 1 | -1): void {
  const asked = draft.job(job)
  if (asked) draft.setJob({ ...asked, dispatches: Math.max(0, asked.dispatches + by) })
}

function startOnUnknown(draft: Draft, job: Job, rules: LabelRules, beganAt: number | null): void {
  const startedAt = job.seenRunningAt ?? job.seenFinishedAt ?? draft.now
  const idle = draft.runners.find(
    (runner) =>
      runner.state === 'idle' &&
      (runner.listedAt ?? 0) < startedAt &&
      runner.listedAt !== beganAt &&
      takes(
        runner.labels.map((label) => comparable(label, rules)),
        job,
        rules,
      ),
  )
  if (idle) draft.setRunner({ ...idle, state: 'busy', idleSince: null, idleLooks: 0, worked: true })
  if (beganAt !== null && job.runnerName === null && explainedByLook(draft, job, rules, beganAt)) return
  const dispatch = oldestUntied(draft, job, rules, startedAt)
  if (!dispatch) return
  draft.setDispatch({ ...dispatch, coverEndedAt: draft.now, coverEndedBy: { id: job.id, round: job.round } })
}

/** The same look shows a runner of ours that has just begun to work: that is the one which took a job without a named runner. */
function explainedByLook(draft: Draft, job: Job, rules: LabelRules, beganAt: number): boolean {
  const worker = draft.dispatches.find((dispatch) => {
    const runner = draft.runner(dispatch.runner)
    const fresh = dispatch.ran === null && runner?.listedAt === beganAt && runner.state === 'busy'
    return fresh && takes(dispatch.offers, job, rules)
  })
  if (worker) ranOn(draft, job, worker)
  return worker !== undefined
}

/** The round's own dispatch first: what was bound by a handle can have been no other. */
function oldestUntied(draft: Draft, job: Job, rules: LabelRules, startedAt: number): Dispatch | undefined {
  // One that was sent only after the job was seen to run can have been no runner of it.
  const pending = draft.dispatches.filter(
    (dispatch) =>
      (isPending(dispatch, draft.now) || mayStillWait(dispatch, draft.now)) &&
      dispatch.sentAt !== null &&
      dispatch.sentAt < startedAt,
  )
  const own = ({ job: asked }: Dispatch) => asked?.id === job.id && asked.round === job.round
  return (
    pending.find((dispatch) => dispatch.handle !== null && own(dispatch)) ??
    pending.find((dispatch) => dispatch.handle === null && mayBe(dispatch, job) && takes(dispatch.offers, job, rules))
  )
}

/** A runner whose name is known is not the one that the job names: that was tied by it. */
function mayBe({ runnerName }: Dispatch, job: Job): boolean {
  return runnerName === null || job.runnerName === null
}

function takes(offers: readonly string[], job: Job, rules: LabelRules): boolean {
  return job.labels.length === 0 ? rules.unlabelled === 'anywhere' : fits(job.labels, offers, rules)
}

/** Cancelled or skipped while it waited: nobody ran it. */
function wasCancelled(job: Job): boolean {
  return job.seenRunningAt === null && (job.conclusion === 'cancelled' || job.conclusion === 'skipped')
}

/** A runner for `min_idle` may wait for its job long after its `boot_timeout`, where no list shows it. */
function mayStillWait(dispatch: Dispatch, now: number): boolean {
  const { job, runner, goneAt, coverEndedAt, sentAt, ttl } = dispatch
  return (
    job === null && runner === null && goneAt === null && coverEndedAt === null && sentAt !== null && now < sentAt + ttl
  )
}
