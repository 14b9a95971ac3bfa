import type { z } from '@hono/zod-openapi'
import type { VerdictKind } from '../../core/verdict.ts'
import type { Job } from '../api-schemas.ts'
import type { Shape } from './marks.ts'

export type JobRow = z.output<typeof Job>

const shapes: Record<VerdictKind, Shape> = {
  dispatching: 'booting',
  covered: 'booting',
  running: 'busy',
  full: 'queued',
  unmatched: 'trouble',
  not_allowed: 'trouble',
  backoff: 'waiting',
  dispatcher_down: 'trouble',
  waiting: 'waiting',
  paused: 'paused',
  stuck: 'trouble',
  backlog_cap: 'queued',
}

/** How a job stands, as one shape and the word that the API has for it. */
export function standing({ state, conclusion, verdict }: JobRow): { shape: Shape; word: string } {
  if (state === 'finished') return { shape: ending(conclusion), word: conclusion ?? 'finished' }
  if (verdict === null) return { shape: state === 'running' ? 'busy' : 'queued', word: state }
  return { shape: shapes[verdict], word: verdict }
}

function ending(conclusion: string | null): Shape {
  switch (conclusion) {
    case 'success':
      return 'good'
    case 'failure':
    case 'timed_out':
    case 'startup_failure':
      return 'failed'
    default:
      return 'over'
  }
}

/** Why it stands so, in a line of a list. The page of the job tells it whole. */
export function why({ state, verdict, reason, covered_by, dispatcher, target, runner, dispatches }: JobRow): string {
  if (state === 'finished') return runner === null ? 'it ended without a runner' : `it ran on ${runner}`
  switch (verdict) {
    case null:
      return 'no turn has seen it yet'
    case 'dispatching':
      return `a runner was just asked for${dispatcher ? ` at ${dispatcher}` : ''}`
    case 'covered':
      if (reason === 'look_owed') return 'its runner has ended; a look will tell whether it had run'
      if (reason === 'events_awaited') return 'its runner has ended; its events get 10 s to come'
      return covered_by?.runner ? `the idle runner ${covered_by.runner} can take it` : 'a runner is on its way'
    case 'running':
      return runner ? `it runs on ${runner}` : 'it runs'
    case 'full':
      if (reason === 'retries') return `half of the target ${target} is taken by jobs whose runners idled out`
      if (reason === 'max_parallel') return 'a limit shared with others is reached'
      return `the target ${target} is full`
    case 'unmatched':
      return 'no target offers all its labels'
    case 'not_allowed':
      return reason === 'repository_unknown'
        ? 'nobody told which repository it is of'
        : 'allow_repos does not let its repository in'
    case 'backoff':
      return reason === 'idled_out'
        ? 'a runner waited for it in vain; the next one comes later'
        : 'the dispatcher refused; it is asked again'
    case 'dispatcher_down':
      return `the dispatcher ${reason ?? dispatcher ?? ''} failed three times in a row; one job at a time tries it`
    case 'waiting':
      return 'it needs other jobs, or an approval'
    case 'paused':
      return 'its instance is paused'
    case 'stuck':
      return `${dispatches} runners were started for it, and none took it`
    case 'backlog_cap':
      return 'too many jobs wait before it'
  }
}
