import { type Event, type EventDetail, eventAbout } from './event.ts'
import type { Facts } from './facts.ts'
import { type Job, jobKey } from './job.ts'
import { verdictBeyond, withoutPlan } from './plan.ts'
import type { Target } from './target.ts'
import type { Verdict } from './verdict.ts'

/** The verdict of a round that waits, as the last turn found it. */
export interface KeptVerdict {
  job: { id: string; round: number }
  verdict: Verdict
}

/** What a turn found out about why jobs wait: only what is not as it was. */
export interface VerdictChanges {
  verdicts: readonly KeptVerdict[]
  /** Targets whose queue goes on beyond the window, when they are others than before; null when they are the same. */
  beyond: readonly string[] | null
  events: readonly Event[]
}

/** What was found, and what it was found from. */
interface Found {
  instance: string
  now: number
  facts: Facts
  targets: readonly Target[]
  /** How many queued jobs of a target a turn reads at most; what stands behind them is full. */
  window: number
  verdicts: ReadonlyMap<string, Verdict>
}

/**
 * Holds the verdicts of this turn against those that are kept. Jobs that wait for others or run have none: their state says it all; and
 * neither have those beyond the window, so that a long queue is not written down with each turn.
 */
export function verdictChanges({ instance, now, facts, targets, window, verdicts }: Found): VerdictChanges {
  const { kept } = facts
  const { within, beyond } = windows(facts, window)
  const numbers = new Numbers(facts, targets)
  const changed: KeptVerdict[] = []
  const events: Event[] = []
  for (const job of within) {
    const key = jobKey(job)
    const before = kept.verdicts.get(key) ?? null
    const verdict = verdicts.get(key)
    if (!verdict || (before && isSame(before, verdict))) continue
    const ref = { id: job.id, round: job.round }
    changed.push({ job: ref, verdict })
    if (before && saysTheSame(before, verdict)) continue
    const { target, kind, reason, dispatcher, until } = verdict
    events.push(
      eventAbout(
        'verdict_changed',
        { at: now, instance, job: ref, target },
        {
          from: before?.kind ?? null,
          to: kind,
          reason,
          dispatcher,
          until: until === null ? null : new Date(until).toISOString(),
          ...numbers.of(verdict, job),
        },
      ),
    )
  }
  const isAsBefore = beyond.length === kept.beyond.size && beyond.every((target) => kept.beyond.has(target))
  return { verdicts: changed, beyond: isAsBefore ? null : beyond, events }
}

/** The queued jobs of which a verdict is kept, and the targets whose queue is longer. */
function windows({ jobs, beyond }: Facts, window: number): { within: Job[]; beyond: string[] } {
  const queued = Map.groupBy(
    jobs.filter(({ state }) => state === 'queued'),
    ({ target }) => target,
  )
  const longer = new Set(beyond.keys())
  const within = [...queued].flatMap(([target, waiting]) => {
    if (target !== null && waiting.length > window) longer.add(target)
    return waiting.slice(0, window)
  })
  return { within, beyond: [...longer].sort() }
}

function isSame(one: Verdict, other: Verdict): boolean {
  return saysTheSame(one, other) && one.until === other.until && JSON.stringify(one.by) === JSON.stringify(other.by)
}

/** Another runner or another moment is no news: the trail tells of runners by themselves. */
function saysTheSame(one: Verdict, other: Verdict): boolean {
  return (
    one.kind === other.kind &&
    one.target === other.target &&
    one.reason === other.reason &&
    one.dispatcher === other.dispatcher
  )
}

/** The numbers that made a verdict. */
class Numbers {
  readonly #max: ReadonlyMap<string, number>
  readonly #live: ReadonlyMap<string, readonly unknown[]>

  constructor({ dispatches }: Facts, targets: readonly Target[]) {
    this.#max = new Map(targets.map(({ name, max }) => [name, max]))
    this.#live = Map.groupBy(dispatches, ({ target }) => target)
  }

  of({ kind, target }: Verdict, job: Job): EventDetail {
    if (kind === 'stuck') return { runners: job.dispatches }
    if (kind !== 'full' || target === null) return {}
    return { live: this.#live.get(target)?.length ?? 0, max: this.#max.get(target) ?? null }
  }
}

/** What is kept of an instance besides its jobs: what the verdicts of those beyond the window follow from. */
export interface KeptOfInstance {
  paused: boolean
  /** Targets whose queue goes on beyond the window. */
  beyond: ReadonlySet<string>
}

/** Why a round has, or has not, a runner, to be shown: the last turn's word, unless the job has moved on since. Null when no turn has seen it. */
export function shownVerdict(job: Job, kept: Verdict | null, instance: KeptOfInstance): Verdict | null {
  if (job.state === 'finished') return null
  const settled = withoutPlan(job)
  if (settled) return settled
  return kept?.target === job.target ? kept : verdictBeyond(job, instance)
}
