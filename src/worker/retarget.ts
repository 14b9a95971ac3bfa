import type { Changes } from '../core/facts.ts'
import type { Job } from '../core/job.ts'
import { assign } from '../core/match.ts'
import type { TurnDeps } from './deps.ts'

const nothing: Changes = { jobs: [], dispatches: [], runners: [], backoffs: [], cleared: [], events: [] }

/** With a configuration that may be another one: the targets of open jobs are found again. */
export async function retarget(deps: TurnDeps, epoch: number): Promise<void> {
  const now = deps.clock.now()
  const { jobs } = await deps.store.facts(deps.instance, { window: null, ids: [], since: now, listedSince: now })
  const moved = jobs.filter(({ state }) => state !== 'finished').flatMap((job) => moves(deps, job))
  if (moved.length > 0) await deps.store.save(deps.instance, epoch, { ...nothing, jobs: moved })
}

function moves(deps: TurnDeps, job: Job): Job[] {
  const found = assign(job, deps.targets, deps.forge.labels)
  const { target, unassigned } = 'hosted' in found ? { target: null, unassigned: 'unmatched' as const } : found
  return target === job.target && unassigned === job.unassigned ? [] : [{ ...job, target, unassigned }]
}
