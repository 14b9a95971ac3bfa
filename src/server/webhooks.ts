import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Clock } from '../clock.ts'
import type { Target } from '../core/target.ts'
import { deliveryRecord, type Understood } from '../delivery-record.ts'
import type { Forge } from '../forges/forge.ts'
import type { Log } from '../log.ts'
import type { DeliveryResult, Metrics } from '../metrics.ts'
import type { Secret } from '../secret.ts'
import { type Store, StoreUnavailable } from '../store/store.ts'
import { createAttempts } from './attempts.ts'
import { announcedLength, readBody } from './body.ts'
import { linger } from './linger.ts'
import { peerOf, type Served } from './peer.ts'
import { problem, retryAfterUnavailable } from './problem.ts'

/** One instance that takes webhooks. */
export interface Intake {
  name: string
  forge: Pick<Forge, 'read' | 'labels'>
  targets: readonly Target[]
  secrets: readonly Secret[]
}

export interface WebhookDeps {
  /** By name, asked at each request, so that a reload takes effect at once. An instance that takes no webhooks is not in it. */
  intakes: () => ReadonlyMap<string, Intake>
  store: Pick<Store, 'recordDelivery'>
  clock: Clock
  log: Log
  metrics: Pick<Metrics, 'deliveries' | 'lastDelivery'>
  /** Bytes; asked at each request. */
  maxBody: () => number
}

type Request = Context<Served, '/webhook/:instance'>

interface Refusal {
  status: ContentfulStatusCode
  /** The word for the log. */
  reason: string
  /** The sentence for the client. */
  detail: string
  /** Counted under this result; not counted when absent. */
  result?: DeliveryResult
  headers?: Record<string, string>
  /** Bytes; what was announced when absent. */
  length?: number
}

/** `/webhook/:instance`: a delivery is verified, recorded and answered, nothing else. The order of the answers is a contract. */
export function webhooks(deps: WebhookDeps): Hono<Served> {
  const badSignatures = createAttempts(deps.clock)
  const app = new Hono<Served>()

  app.all('/webhook/:instance', async (c) => {
    const intake = deps.intakes().get(c.req.param('instance'))
    if (!intake) return refuse(c, null, unknownInstance)
    if (c.req.method !== 'POST') return refuse(c, intake, notPost)

    const maxBody = deps.maxBody()
    const body = await readBody(c, maxBody)
    if (body.kind === 'aborted') return refuse(c, intake, { ...brokenOff, length: body.length })
    if (body.kind === 'too_large') {
      linger(c)
      const detail = `the body is larger than ${maxBody} bytes (max_body)`
      return refuse(c, intake, { ...tooLarge, detail, length: body.length })
    }

    const { length } = body.bytes
    // A body may be long under way: it is verified, and its jobs find their targets, by what is in force now.
    const present = deps.intakes().get(intake.name) ?? intake
    const reading = await present.forge.read({ headers: c.req.header(), body: body.bytes })
    switch (reading.kind) {
      case 'unauthorized': {
        const wait = badSignatures.failed(peerOf(c))
        return refuse(c, intake, { ...(wait === null ? badSignature : tooMany(wait)), length })
      }
      case 'invalid':
        return refuse(c, intake, { status: 400, reason: 'invalid', detail: reading.problem, result: 'invalid', length })
      case 'jobs':
      case 'nudge':
      case 'ignored':
        return record(c, present, reading, length)
    }
  })

  async function record(c: Request, intake: Intake, reading: Understood, length: number): Promise<Response> {
    const { name, forge, secrets } = intake
    const { targets } = deps.intakes().get(name) ?? intake
    const signedBy = (reading.secret !== null && secrets[reading.secret]?.fingerprint()) || null
    const arrival = { at: deps.clock.now(), via: 'http' as const, signedBy }
    const delivery = deliveryRecord(reading, { name, targets, labels: forge.labels }, arrival)
    let outcome: 'recorded' | 'duplicate'
    try {
      outcome = await deps.store.recordDelivery(delivery)
    } catch (error) {
      // Whatever it was, nothing was written: the forge must not take this for received.
      if (!(error instanceof StoreUnavailable)) deps.log.error({ instance: name, err: error }, 'recording failed')
      return refuse(c, intake, { ...unavailable, length })
    }
    deps.metrics.lastDelivery.set({ instance: name }, arrival.at / 1_000)
    if (outcome === 'duplicate') {
      count(name, 'duplicate')
      return c.json({ status: 'duplicate' }, 202)
    }
    count(name, delivery.result)
    if (delivery.result === 'accepted') return c.json({ status: 'accepted' }, 202)
    // Most events of a GitHub organization are jobs for GitHub's own runners.
    const level = delivery.reason === 'hosted' ? 'debug' : 'info'
    deps.log[level]({ peer: peerOf(c), instance: name, length, reason: delivery.reason }, 'ignored a delivery')
    return c.json({ status: 'ignored', reason: delivery.reason }, 202)
  }

  function refuse(c: Request, intake: Intake | null, refusal: Refusal): Response {
    const { status, reason, detail, result, headers, length = announcedLength(c) } = refusal
    if (intake && result) count(intake.name, result)
    deps.log.warn({ peer: peerOf(c), instance: intake?.name, length, reason }, 'refused a webhook request')
    return problem(c, status, detail, { headers })
  }

  function count(instance: string, result: DeliveryResult): void {
    deps.metrics.deliveries.inc({ instance, result })
  }

  return app
}

const unknownInstance: Refusal = {
  status: 404,
  reason: 'unknown_instance',
  detail: 'no instance of this name takes webhooks',
}

const notPost: Refusal = {
  status: 405,
  reason: 'method',
  detail: 'a webhook is delivered with POST',
  headers: { allow: 'POST' },
}

const tooLarge: Omit<Refusal, 'detail'> = {
  status: 413,
  reason: 'too_large',
  result: 'too_large',
  headers: { connection: 'close' },
}

/** Nobody is there to read it. */
const brokenOff: Refusal = { status: 400, reason: 'aborted', detail: 'the body was broken off' }

/** The same for none and for a wrong one, so that a guesser learns nothing. Forgejo and Gitea do not sign the bytes of a form, but the JSON in it. */
const badSignature: Refusal = {
  status: 401,
  reason: 'unauthorized',
  detail:
    'the signature is missing or wrong: at the forge the secret must be one of webhook_secret, and content_type: json',
  result: 'unauthorized',
}

function tooMany(seconds: number): Refusal {
  return {
    status: 429,
    reason: 'too_many_bad_signatures',
    detail: 'too many requests with a missing or wrong signature',
    result: 'unauthorized',
    headers: { 'retry-after': String(seconds) },
  }
}

const unavailable: Refusal = {
  status: 503,
  reason: 'unavailable',
  detail: 'the delivery could not be recorded; deliver it again later',
  result: 'unavailable',
  headers: { 'retry-after': String(retryAfterUnavailable) },
}
