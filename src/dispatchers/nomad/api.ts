import { z } from 'zod'
import { createHttpClient, type HttpAnswer, type HttpCall } from '../../http-client.ts'
import type { NomadOptions } from './options.ts'

/** Milliseconds for one call. A list of a few hundred jobs takes Nomad well under a second. */
const deadline = 30_000
/** Seconds for which Nomad holds a question back until something changes. It adds up to a sixteenth of its own (blocking queries). */
const patience = 30
const pageSize = 100

/** A dispatched job as Nomad lists it (`JobListStub`). */
const child = z.object({
  ID: z.string(),
  ParentID: z.string(),
  Status: z.string(),
  Meta: z.record(z.string(), z.string()).nullish(),
})
export type Child = z.infer<typeof child>

/** A job as Nomad tells it in full; only what is read. */
const wholeJob = z.object({
  ID: z.string(),
  Type: z.string().nullish(),
  Stop: z.boolean().nullish(),
  /** Base64; Nomad unpacks it for this call alone. */
  Payload: z.string().nullish(),
  ParameterizedJob: z
    .object({
      Payload: z.string().nullish(),
      MetaRequired: z.array(z.string()).nullish(),
      MetaOptional: z.array(z.string()).nullish(),
    })
    .nullish(),
  TaskGroups: z
    .array(
      z.object({
        Name: z.string(),
        RestartPolicy: z.object({ Attempts: z.number() }).nullish(),
        ReschedulePolicy: z.object({ Attempts: z.number().nullish(), Unlimited: z.boolean().nullish() }).nullish(),
      }),
    )
    .nullish(),
})
export type WholeJob = z.infer<typeof wholeJob>

const counts = z.record(z.string(), z.number()).nullish()
const evaluation = z.object({
  Status: z.string(),
  BlockedEval: z.string().nullish(),
  FailedTGAllocs: z
    .record(
      z.string(),
      z.object({
        NodesEvaluated: z.number().nullish(),
        ConstraintFiltered: counts,
        ClassFiltered: counts,
        DimensionExhausted: counts,
        QuotaExhausted: z.array(z.string()).nullish(),
      }),
    )
    .nullish(),
})
export type Evaluation = z.infer<typeof evaluation>

/** Nomad answered, and not with what was asked for. Its own words are in the message. */
export class NomadSaidNo extends Error {
  override readonly name = 'NomadSaidNo'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** The HTTP API of Nomad (v1; 1.5 and later). Rejects with `NomadSaidNo` or `HttpFailed`. */
export interface NomadApi {
  /** The bare answer: only its reader knows what each one means for the runner. */
  dispatch(
    body: { Meta: Readonly<Record<string, string>>; Payload: string },
    key: string,
    signal: AbortSignal,
  ): Promise<HttpAnswer>
  /** All jobs that were dispatched of ours and are not over, whoever dispatched them. */
  children(signal: AbortSignal): Promise<readonly Child[]>
  /** Resolves when a dispatched job came, went or changed after `index`, or after half a minute. Answers the index to go on with. */
  change(index: string | null, signal: AbortSignal): Promise<string | null>
  /** Null when there is no such job. */
  job(id: string, signal: AbortSignal): Promise<WholeJob | null>
  evaluation(id: string, signal: AbortSignal): Promise<Evaluation>
  /** Stops a job and leaves it to Nomad's garbage collection, so that its idempotency token holds on. */
  deregister(id: string, signal: AbortSignal): Promise<void>
  /** The leader's address; empty while there is none. Needs no token. */
  leader(signal: AbortSignal): Promise<string>
  close(): void
}

export function createNomadApi(options: NomadOptions): NomadApi {
  // A connection of its own for each call: only then does an error before it stands prove that nothing was sent.
  const client = createHttpClient({ ca: options.ca ?? undefined, keepAlive: false })
  const place = { namespace: options.namespace, region: options.region }
  const prefix = `${options.job}/dispatch-`

  async function call(
    method: HttpCall['method'],
    path: string,
    query: Record<string, string | null>,
    { signal, json, limit = deadline }: { signal: AbortSignal; json?: unknown; limit?: number },
  ): Promise<HttpAnswer> {
    const token = options.token?.reveal()
    return client.send(
      {
        method,
        url: address(options.url, path, { ...place, ...query }),
        headers: token === undefined ? {} : { 'x-nomad-token': token },
        json,
        deadline: limit,
      },
      signal,
    )
  }

  async function read<T>(path: string, query: Record<string, string | null>, shape: z.ZodType<T>, signal: AbortSignal) {
    const answer = good(await call('GET', path, query, { signal }))
    return { answer, value: parsed(answer, shape) }
  }

  async function pageOfChildren(token: string | null, signal: AbortSignal) {
    const query = {
      prefix,
      meta: 'true',
      filter: 'Status != "dead"',
      per_page: String(pageSize),
      next_token: token,
    }
    const { answer, value } = await read('/v1/jobs', query, z.array(child), signal)
    return { children: value, next: answer.headers['x-nomad-nexttoken'] || null }
  }

  return {
    dispatch: (body, key, signal) =>
      call(
        'POST',
        `/v1/job/${encodeURIComponent(options.job)}/dispatch`,
        { idempotency_token: key },
        { signal, json: body },
      ),

    async children(signal) {
      const found: Child[] = []
      const tokens = new Set<string>()
      for (let next: string | null = null; ; tokens.add(next)) {
        const page = await pageOfChildren(next, signal)
        found.push(...page.children.filter(({ ParentID, Status }) => ParentID === options.job && Status !== 'dead'))
        next = page.next
        if (next === null) return found
        if (tokens.has(next)) throw new NomadSaidNo(200, 'Nomad named the same page of its jobs twice')
      }
    },

    async change(index, signal) {
      // One row is enough: Nomad watches all that begins with the prefix, whatever is shown of it.
      const query = { prefix, per_page: '1', ...(index !== null && { index, wait: `${patience}s` }) }
      const answer = good(await call('GET', '/v1/jobs', query, { signal, limit: patience * 1_063 + deadline }))
      const next = answer.headers['x-nomad-index'] ?? ''
      // An index that went back tells of a cluster that was restored: begin anew.
      return /^[1-9]\d*$/.test(next) && (index === null || Number(next) >= Number(index)) ? next : null
    },

    async job(id, signal) {
      const answer = await call('GET', `/v1/job/${encodeURIComponent(id)}`, {}, { signal })
      return answer.status === 404 ? null : parsed(good(answer), wholeJob)
    },

    async evaluation(id, signal) {
      return (await read(`/v1/evaluation/${encodeURIComponent(id)}`, {}, evaluation, signal)).value
    },

    async deregister(id, signal) {
      const answer = await call('DELETE', `/v1/job/${encodeURIComponent(id)}`, { purge: 'false' }, { signal })
      if (answer.status !== 404) good(answer)
    },

    async leader(signal) {
      return (await read('/v1/status/leader', {}, z.string(), signal)).value
    },

    close: () => client.close(),
  }
}

function address(base: URL, path: string, query: Record<string, string | null>): URL {
  const url = new URL(`${base.pathname.replace(/\/+$/, '')}${path}`, base.origin)
  for (const [name, value] of Object.entries(query)) if (value !== null) url.searchParams.set(name, value)
  return url
}

function good(answer: HttpAnswer): HttpAnswer {
  if (answer.status >= 200 && answer.status < 300) return answer
  throw new NomadSaidNo(answer.status, `Nomad answered ${answer.status}: ${answer.body.trim() || 'nothing'}`)
}

function parsed<T>(answer: HttpAnswer, shape: z.ZodType<T>): T {
  const read = shape.safeParse(json(answer.body))
  if (read.success) return read.data
  throw new NomadSaidNo(answer.status, 'the answer is not what Nomad says; is "url" the address of a Nomad agent?')
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
