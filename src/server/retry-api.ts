import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { HTTPException } from 'hono/http-exception'
import type { NothingToRetry, RetryEffect } from '../core/retry.ts'
import type { ShownJob } from '../store/store.ts'
import { answers } from './api-answers.ts'
import { type ApiDeps, instanceNamed } from './api-deps.ts'
import { Retried } from './api-schemas.ts'
import { callerOf, type Served } from './peer.ts'
import * as present from './presenters.ts'

const retry = createRoute({
  method: 'post',
  path: '/api/v1/jobs/{instance}/{id}/retry',
  summary: 'Ask for a runner for a queued job now: its back-offs are cleared and its runners counted anew',
  description:
    'For the newest round of a job that is `stuck`, in `backoff`, kept back by `dispatcher_down`, or covered by a start of which nobody knows the outcome (where that one was made after all, two runners may come). 409 tells why there is nothing to retry.',
  request: { params: z.object({ instance: z.string(), id: z.string() }) },
  responses: answers(200, 'What was done, and the job', Retried),
})

export function addRetryRoute(app: OpenAPIHono<Served>, deps: ApiDeps): void {
  app.openapi(retry, async (c) => {
    const { instance, id } = c.req.valid('param')
    const { effects, job } = await retryJob(deps, instance, id, callerOf(c))
    const message = effects.map((effect) => done[effect]).join('; ')
    return c.json({ effects: [...effects], message, job: present.job(job) }, 200)
  })
}

/** Takes away what keeps the job back. Throws 404 where it is not known, and 409, which says why, where nothing is to be taken away. */
export async function retryJob({ store, clock, config }: ApiDeps, instance: string, id: string, by: string) {
  const targets = instanceNamed({ config }, instance)?.targets ?? []
  const outcome = await store.retry({ instance, id, targets, at: clock.now(), by })
  if (!outcome)
    throw new HTTPException(404, {
      message: `no job ${id} of ${instance} is known: GET /api/v1/jobs lists those that are`,
    })
  const job = (await store.job(instance, id)) ?? { ...outcome.job, verdict: null }
  if (outcome.kind === 'nothing') throw new HTTPException(409, { message: refusal(outcome.why, job) })
  return { effects: outcome.effects, job }
}

const done: Record<RetryEffect, string> = {
  backoff_cleared: 'its back-offs are cleared',
  allowance_renewed: 'its runners are counted from none again',
  dispatcher_probed: 'its dispatcher, which is down, is tried once more now',
  unknown_given_up: 'the start of which nobody knows the outcome is waited for no more',
}

/** Why there is nothing to retry, and what helps in its place. */
function refusal(why: NothingToRetry, job: ShownJob): string {
  switch (why) {
    case 'waiting':
      return 'it waits at the forge for other jobs or an approval: nothing of ours keeps it back'
    case 'running':
      return `it runs${job.runnerName === null ? '' : ` on ${job.runnerName}`}`
    case 'finished':
      return 'it is over: run it again at the forge'
    case 'paused':
      return `instance ${job.instance} is paused: resume it first`
    case 'unassigned':
      return job.unassigned === null || job.unassigned === 'unmatched'
        ? 'no target offers all its labels: add a target that does, or change its runs-on'
        : 'the targets that fit do not take jobs of its repository: see allow_repos'
    case 'unhindered': {
      const kind = job.verdict?.kind
      return `nothing keeps it back that a retry could take away${kind ? `: it is ${kind}` : ''}`
    }
  }
}
