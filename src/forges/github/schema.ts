import { z } from 'zod'
import { workflowJob } from '../workflow-job.ts'

// Only the fields that we read. Job and run ids pass 2^31 but stay below 2^53; only delivery ids, which we do not read, pass that.
const id = z.int().positive().transform(String)

/** `GET /orgs/{org}/repos` */
export const repositories = z.array(
  z.object({
    id,
    full_name: z.string().regex(/^[^/]+\/[^/]+$/),
    archived: z.boolean().nullish(),
    disabled: z.boolean().nullish(),
    pushed_at: z.string().nullish(),
  }),
)
export type Repository = z.output<typeof repositories>[number]

/** `GET /repos/{owner}/{repo}/actions/runs` */
export const runs = z.object({
  total_count: z.int().nonnegative(),
  workflow_runs: z.array(z.object({ id, repository: z.object({ id, full_name: z.string() }) })),
})
export type Run = z.output<typeof runs>['workflow_runs'][number]

/** `GET /repos/{owner}/{repo}/actions/runs/{id}/jobs`: the rows are those of the webhook. */
export const jobs = z.object({ total_count: z.int().nonnegative(), jobs: z.array(workflowJob) })

export const runner = z.object({
  id,
  name: z.string(),
  status: z.string(),
  busy: z.boolean(),
  labels: z.array(z.object({ name: z.string() })),
  ephemeral: z.boolean().nullish(),
})
export type Runner = z.output<typeof runner>

/** `GET …/actions/runners` */
export const runners = z.object({ total_count: z.int().nonnegative(), runners: z.array(runner) })

/** `POST …/actions/runners/generate-jitconfig` */
export const jitConfig = z.object({ encoded_jit_config: z.string().min(1) })

/** The secret reads back as `********`, and is absent where the hook has none. */
export const hook = z.object({
  id,
  name: z.string(),
  active: z.boolean(),
  events: z.array(z.string()),
  config: z.object({
    url: z.string().nullish(),
    content_type: z.string().nullish(),
    insecure_ssl: z.union([z.string(), z.number()]).nullish(),
    secret: z.string().nullish(),
  }),
})
export type Hook = z.output<typeof hook>

/** `GET …/hooks` */
export const hooks = z.array(hook)

/** `GET /meta`: only Enterprise Server tells its version. */
export const meta = z.object({ installed_version: z.string().nullish() })

/** An answer whose body says nothing that we need. */
export const anything = z.unknown()
