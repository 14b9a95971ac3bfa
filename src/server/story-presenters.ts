import type { z } from '@hono/zod-openapi'
import { summaryOf } from '../core/waits.ts'
import type { TargetWaits } from '../store/store.ts'
import type { Target } from './api-schemas.ts'
import type { JobStory } from './job-story.ts'
import { time } from './presenters.ts'

/** Why a job stands as it does, and how long it took, in the words of the API. */
export function story({ sentence, next, nextLookAt, max, circumstances, waits }: Omit<JobStory, 'trail'>) {
  return {
    explanation: {
      sentence,
      next: next.sentence,
      next_at: time(next.at),
      next_look_at: time(nextLookAt),
      live: circumstances.live,
      max,
      ahead: circumstances.ahead,
      oldest_runner_ends_at: time(circumstances.oldestEndsAt),
    },
    waits: {
      queue_seconds: seconds(waits.queue),
      boot_seconds: seconds(waits.boot),
      run_seconds: seconds(waits.run),
    },
  }
}

export function targetWaits({ queue, boot, run }: TargetWaits): z.output<typeof Target>['waits'] {
  return { queue: waitSummary(queue), boot: waitSummary(boot), run: waitSummary(run) }
}

function waitSummary(waits: readonly number[]) {
  const { count, median, p95 } = summaryOf(waits)
  return { count, median_seconds: seconds(median), p95_seconds: seconds(p95) }
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1_000
}
