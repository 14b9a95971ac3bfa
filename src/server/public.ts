import { Hono } from 'hono'
import type { Ids } from '../ids.ts'
import type { Served } from './peer.ts'
import { answerErrors, unknownPath } from './problem.ts'
import { type WebhookDeps, webhooks } from './webhooks.ts'

/** The public listener: webhooks and a sign of life, nothing else. */
export function publicApp(deps: WebhookDeps & { ids: Ids }): Hono<Served> {
  return new Hono<Served>()
    .onError(answerErrors(deps))
    .notFound(unknownPath)
    .get('/healthz', (c) => c.text('ok'))
    .route('/', webhooks(deps))
}
