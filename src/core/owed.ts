import type { Facts } from './facts.ts'
import { endsAt, givenUpAt } from './gone.ts'
import { listLag } from './jobs-seen.ts'
import type { RoundRules } from './rounds.ts'
import type { Verdict } from './verdict.ts'

export interface OwedRules {
  rounds: RoundRules
  /** The dispatchers whose runners can be stopped. */
  stoppable: ReadonlySet<string>
}

/**
 * The moments after which a look must begin, past and to come, in every mode: a dispatch passes `boot_timeout` unseen, or `ttl` + 1 min;
 * a finished job is announced as queued again; a runner has ended and its round may have run unseen; an idle runner has not taken a job
 * that fits it for 60 s, has stood for its `idle_timeout`, or is past half its `ttl`.
 */
export function owedLooks(facts: Facts, verdicts: Iterable<Verdict>, { rounds, stoppable }: OwedRules): number[] {
  const moments = idleEnds(facts, stoppable)
  for (const dispatch of facts.dispatches) {
    if (dispatch.sentAt === null) continue
    // One that begins in the very moment proves nothing yet.
    if (dispatch.runner === null) moments.push(dispatch.sentAt + dispatch.bootTimeout + 1)
    moments.push(endsAt(dispatch) + 1)
    // Where no look can tell, the turn after this one gives the slot up.
    moments.push(givenUpAt(dispatch))
  }
  for (const job of facts.jobs) {
    if (job.state === 'queued' && job.doubtedAt !== null) {
      moments.push(job.doubtedAt)
      // A list without the job ends the round only this long after its last delivery: a look that comes sooner settles nothing.
      if (job.deliveredAt !== null) moments.push(job.deliveredAt + listLag)
    }
    if (job.requeuedAt === null || job.state !== 'finished') continue
    const finished = job.seenFinishedAt ?? 0
    // Without a job list the look at once tells nothing: then the turn after this one opens the round.
    if (rounds.requeue === 'soon') moments.push(job.requeuedAt, finished + listLag)
    else moments.push(Math.max(job.deliveredAt ?? 0, finished) + listLag)
  }
  for (const { kind, by, until } of verdicts) {
    if (kind === 'covered' && by && 'runner' in by && until !== null) moments.push(until)
  }
  return moments
}

/** Only a look that sees it idle once more may end an idle runner. */
function idleEnds({ runners, dispatches }: Facts, stoppable: ReadonlySet<string>): number[] {
  const held = new Map(dispatches.filter(({ dispatcher }) => stoppable.has(dispatcher)).map((one) => [one.id, one]))
  return runners.flatMap(({ state, dispatch, idleSince }) => {
    const ours = dispatch === null ? undefined : held.get(dispatch)
    if (state !== 'idle' || idleSince === null || !ours || ours.sentAt === null) return []
    return [idleSince + ours.idleTimeout, ours.sentAt + ours.ttl / 2]
  })
}
