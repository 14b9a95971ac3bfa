import type { JobList } from '../../core/look.ts'
import { stateOfJob, toldJob } from './job.ts'
import type { ActionJob } from './schema.ts'

/** The list in our words. Jobs without labels are outer jobs of called workflows; a status that nobody knows proves nothing. */
export function jobList(
  rows: readonly ActionJob[],
  filter: readonly string[] | null,
  nameOf: (id: string | null) => string | null,
): JobList {
  const told = rows
    .filter(({ runs_on }) => runs_on.length > 0)
    // Listed newest first (v11 to v17-dev) and without their moments: by their ids, which grow, the oldest is served first.
    .sort((a, b) => Number(a.id) - Number(b.id))
    .map((row) => ({ row, state: stateOfJob(row.status) }))
  const jobs = told.flatMap(({ row, state }) =>
    state === null || state === 'finished' ? [] : [toldJob(row, state, { name: nameOf(row.repo_id), id: row.repo_id })],
  )
  return { complete: told.every(({ state }) => state !== null), filter, jobs }
}
