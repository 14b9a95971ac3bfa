import { eventAbout } from '../core/event.ts'
import type { Facts } from '../core/facts.ts'
import { type Job, jobKey } from '../core/job.ts'
import { jobSpans } from '../core/job-spans.ts'
import type { Mode } from '../core/mode.ts'
import type { Plan } from '../core/plan.ts'
import type { TurnDeps } from './deps.ts'
import { gauge, gaugeMode } from './gauges.ts'
import type { TurnResult } from './turn.ts'

/** What a worker tells of its turns: in the log, as metrics, as traces, in the trail. */
export class Telling {
  #wishes = JSON.stringify([[], 0])

  turn(deps: TurnDeps, result: TurnResult): void {
    const { log, metrics, instance } = deps
    const { lost, dispatched, plan, facts } = result
    if (lost > 0) {
      metrics.webhooksLost.inc({ instance }, lost)
      log.warn({ lost }, 'jobs were found of which a webhook got lost')
    }
    gauge(deps, result)
    for (const job of result.started) trace(deps, job, facts)
    if (deps.dryRun) this.#tellWishes(deps, plan)
    else if (dispatched > 0 || plan.stops.length > 0) log.info({ dispatched, stops: plan.stops.length }, 'turn')
  }

  /** What `dry_run` does instead: one line, and none while it would be the same again. */
  #tellWishes({ log }: TurnDeps, { wanted, stops }: Plan): void {
    const wishes = wanted.map(({ target, job }) => ({ target, job: job && jobKey(job) }))
    const told = JSON.stringify([wishes, stops.length])
    if (told === this.#wishes) return
    this.#wishes = told
    log.info({ wanted: wishes, stops: stops.length }, 'dry run: this is what a turn would do')
  }
}

export async function tellMode(deps: TurnDeps, from: Mode, to: Mode): Promise<void> {
  const { log, store, instance, clock } = deps
  log.info({ from, to }, 'mode changed')
  gaugeMode(deps, to)
  await store.append([eventAbout('mode_changed', { at: clock.now(), instance }, { from, to })])
}

function trace({ traces }: TurnDeps, job: Job, { dispatches }: Facts): void {
  const way = jobSpans(job, dispatches)
  if (way) traces.tell(`${job.instance}/${jobKey(job)}`, way)
}
