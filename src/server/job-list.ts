import type { z } from '@hono/zod-openapi'
import type { JobState } from '../core/job.ts'
import type { VerdictKind } from '../core/verdict.ts'
import type { JobQuery, Store } from '../store/store.ts'
import type { Job } from './api-schemas.ts'
import * as present from './presenters.ts'

/** Readings of the list that one answer may take while none of the rows has the verdict. */
const most = 20

/**
 * A page of jobs, those with one verdict where it is asked for. A verdict is what the last turn said, seen when the row is shown: such a page
 * may hold fewer rows than its limit, and none, while there are more.
 */
export async function jobPage(
  store: Pick<Store, 'jobs'>,
  { verdict, ...query }: JobQuery & { verdict?: VerdictKind },
): Promise<{ items: z.output<typeof Job>[]; next: string | null }> {
  const state = verdict === undefined ? query.state : stateOf(verdict)
  if (query.state !== undefined && query.state !== state) return { items: [], next: null }
  let { cursor } = query
  for (let reading = 1; ; reading++) {
    const { items, next } = await store.jobs({ ...query, state, cursor })
    const fitting = items.filter((row) => verdict === undefined || row.verdict?.kind === verdict)
    if (fitting.length > 0 || next === null || reading === most) return { items: fitting.map(present.job), next }
    cursor = next
  }
}

/** The state of every job that has this verdict. */
function stateOf(verdict: VerdictKind): JobState {
  return verdict === 'running' || verdict === 'waiting' ? verdict : 'queued'
}
