import { z } from 'zod'
import { optionalId, optionalText, page } from '../workflow-job.ts'

/** Go's nil slices are null. */
const texts = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? [])

/** A job as `…/runners/jobs` lists it (since v11) and as the `workflow_job_*` events carry it. */
export const actionJob = z.object({
  id: z.int().positive().transform(String),
  repo_id: optionalId,
  name: z
    .string()
    .nullish()
    .transform((name) => name ?? ''),
  runs_on: texts,
  status: optionalText,
  /** Since v15: from 1. */
  attempt: z
    .int()
    .nullish()
    .transform((attempt) => (attempt && attempt > 0 ? attempt : null)),
  /** Since v15: names this one attempt. */
  handle: optionalText,
  /** Since v16. */
  run_id: optionalId,
})
export type ActionJob = z.output<typeof actionJob>

/** A bare array, and `null` when there is none. */
export const actionJobs = z
  .array(actionJob)
  .nullable()
  .transform((jobs) => jobs ?? [])

/** The body of a `workflow_job_*` event. Its `action` is not read: the event's name and the job's status say it all. */
export const jobEvent = z.object({
  job: actionJob,
  run: z
    .object({ id: optionalId, html_url: page })
    .nullish()
    .transform((run) => run ?? { id: null, html_url: null }),
  repository: z.object({ id: optionalId, full_name: z.string().regex(/^[^/]+\/[^/]+$/) }),
})

/** A runner (since v15). One that never connected is offline and has no labels. */
export const actionRunner = z.object({
  id: z.int().positive().transform(String),
  name: z.string(),
  status: z.string(),
  labels: texts,
  ephemeral: z.boolean().nullish(),
})
export type ActionRunner = z.output<typeof actionRunner>

export const actionRunners = z
  .array(actionRunner)
  .nullable()
  .transform((runners) => runners ?? [])

/** A runner just registered (since v15). */
export const registeredRunner = z.object({ uuid: z.string().min(1), token: z.string().min(1) })

export const registrationToken = z.object({ token: z.string().min(1) })

export const repository = z.object({ full_name: z.string().regex(/^[^/]+\/[^/]+$/) })
