import { z } from 'zod'
import { workflowJob } from '../workflow-job.ts'

const count = z.int().nonnegative()

/** A page of `…/actions/jobs` (since 1.25): rows as the `workflow_job` event has them, besides where their repository is. */
export const jobsPage = z.object({
  jobs: z
    .array(workflowJob.extend({ url: z.string().nullish(), run_url: z.string().nullish() }))
    .nullable()
    .transform((jobs) => jobs ?? []),
  total_count: count,
})
export type ListedJob = z.output<typeof jobsPage>['jobs'][number]

/** A runner (since 1.24). `status` is online or offline; `busy` is what it did in the last 10 s. */
export const actionRunner = z.object({
  id: z.int().positive().transform(String),
  name: z.string(),
  status: z.string(),
  busy: z.boolean().default(false),
  /** Since 1.26: it is given no job. */
  disabled: z.boolean().default(false),
  ephemeral: z.boolean().nullish(),
  labels: z
    .array(z.object({ name: z.string() }))
    .nullish()
    .transform((labels) => (labels ?? []).map(({ name }) => name)),
})
export type ActionRunner = z.output<typeof actionRunner>

export const runnersPage = z.object({
  runners: z
    .array(actionRunner)
    .nullable()
    .transform((runners) => runners ?? []),
  total_count: count,
})

export const registrationToken = z.object({ token: z.string().min(1) })

/**
 * A runner that was just registered (1.24 to 1.27). Protobuf's JSON writes an int64 as text and leaves out what is false, so a service
 * that does not know ephemeral runners does not say that this is one.
 */
export const registeredRunner = z.object({
  runner: z.object({
    id: z.union([z.string().regex(/^[1-9]\d*$/), z.int().positive().transform(String)]),
    uuid: z.string().min(1),
    token: z.string().min(1),
    ephemeral: z.literal(true),
  }),
})
export type RegisteredRunner = z.output<typeof registeredRunner>['runner']
