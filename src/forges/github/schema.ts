import { z } from 'zod'
import { workflowJob } from '../workflow-job.ts'

// Only the fields that we read. Job and run ids pass 2^31 but stay below 2^53; only the ids of deliveries pass that.
const id = z.int().positive().transform(String)

/** Read by `exactly`, which leaves an integer beyond 2^53 as the text of its digits. */
const hugeId = z.union([id, z.string().regex(/^\d+$/)])

const moment = z.string().transform((text, ctx) => {
  const at = Date.parse(text)
  if (!Number.isNaN(at)) return at
  ctx.issues.push({ code: 'custom', message: 'not a moment', input: text })
  return z.NEVER
})

/** `GET /repos/{owner}/{repo}` */
export const repository = z.object({
  id,
  full_name: z.string().regex(/^[^/]+\/[^/]+$/),
  archived: z.boolean().nullish(),
  disabled: z.boolean().nullish(),
  pushed_at: z.string().nullish(),
  private: z.boolean().nullish(),
  visibility: z.string().nullish(),
})
export type Repository = z.output<typeof repository>

/** `GET /orgs/{org}/repos` */
export const repositories = z.array(repository)

/** `GET /repos/{owner}/{repo}/actions/runs` */
export const runs = z.object({
  total_count: z.int().nonnegative(),
  workflow_runs: z.array(
    z.object({ id, status: z.string().nullish(), repository: z.object({ id, full_name: z.string() }) }),
  ),
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

/** `GET …/hooks/{id}/deliveries`. Action and moments beyond these are not read. */
export const deliveries = z.array(
  z.object({ id: hugeId, guid: z.string().min(1), delivered_at: moment, status: z.string(), event: z.string() }),
)
export type Delivery = z.output<typeof deliveries>[number]

/** `GET …/hooks/{id}/deliveries/{delivery}`: the payload is null where GitHub kept none. */
export const delivery = z.object({ event: z.string(), request: z.object({ payload: z.unknown() }) })

/** `GET /repos/{owner}/{repo}/installation`, `GET /orgs/{org}/installation` and `GET /app/installations/{id}`, asked as the App. */
export const installation = z.object({
  id,
  /** Where it is installed; an enterprise has a slug instead. */
  account: z.object({ login: z.string().nullish() }).nullish(),
  permissions: z.record(z.string(), z.string()),
})

/** `POST /app/installations/{id}/access_tokens`. Tokens are opaque: their length and form change. */
export const installationToken = z
  .object({ token: z.string().min(1), expires_at: moment })
  .transform(({ token, expires_at }) => ({ value: token, expiresAt: expires_at }))

/** `GET /orgs/{org}/actions/runner-groups/{id}` */
export const runnerGroup = z.object({ name: z.string(), allows_public_repositories: z.boolean() })

/** `GET …/actions/permissions/fork-pr-contributor-approval` */
export const forkApproval = z.object({ approval_policy: z.string() })

/** `GET /meta`: only Enterprise Server tells its version. */
export const meta = z.object({ installed_version: z.string().nullish() })

/** An answer whose body says nothing that we need. */
export const anything = z.unknown()
