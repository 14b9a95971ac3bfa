import { z } from '@hono/zod-openapi'
import { eventTypes } from '../core/event.ts'
import { modes } from '../core/mode.ts'
import { retryEffects } from '../core/retry.ts'
import { verdictKinds } from '../core/verdict.ts'

/** The shapes of the API: keys in snake_case, ids as text, times as RFC 3339 in UTC, durations in seconds. */

const time = z.iso.datetime()
const maybeTime = time.nullable()
const maybeSeconds = z.number().nullable()
const round = z.object({ id: z.string(), round: z.int() })

export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    id: z.string().optional().describe('Of a failure on our side: the log has it too'),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .openapi('Problem')

const scope = z.object({
  level: z.enum(['repository', 'organization', 'user', 'instance', 'enterprise']),
  owner: z.string().nullable(),
  name: z.string().nullable(),
})

export const Instance = z
  .object({
    name: z.string(),
    forge: z.enum(['forgejo', 'gitea', 'github']),
    scope,
    mode: z.enum(modes).nullable().describe('Null until its worker runs'),
    health: z
      .enum(['starting', 'good', 'failing'])
      .describe('Whether its last look went well; starting until one has come back'),
    paused: z.boolean(),
    pause: z
      .object({ at: time, by: z.string().nullable().describe('The name of the token'), reason: z.string().nullable() })
      .nullable()
      .describe('Null while it is not paused'),
    dry_run: z.boolean(),
    targets: z.array(z.string()),
    capabilities: z
      .object({
        version: z.string().nullable(),
        jobs: z.boolean(),
        runners: z.boolean(),
        job_events: z.boolean(),
        hooks: z.boolean(),
        registration: z
          .enum(['each', 'shared'])
          .nullable()
          .describe('Each runner gets a registration of its own, or all share one token; null while nobody knows'),
        recovers: z.boolean().describe('Deliveries that got lost can be read back from it'),
      })
      .nullable()
      .describe('What the forge can do here; null until it answered once'),
    last_look: z.object({ began_at: time, complete: z.boolean(), error: z.string().nullable() }).nullable(),
    next_look_at: maybeTime,
    webhook: z
      .object({
        path: z.string(),
        last_delivery_at: maybeTime,
        last_job_event_at: maybeTime,
        secrets: z
          .array(z.object({ source: z.string(), uses: z.int(), last_used_at: maybeTime }))
          .describe(
            'In the order of the file; the first signs new hooks. Where each comes from and how often it signed',
          ),
        hook: z
          .object({
            id: z.string(),
            done: z.enum(['kept', 'created', 'repaired', 'replaced']),
            notes: z.array(z.string()),
          })
          .nullable()
          .describe('The hook at the forge, where we keep it'),
      })
      .nullable()
      .describe('Null where it takes no webhooks'),
  })
  .openapi('Instance')

const WaitSummary = z
  .object({ count: z.int(), median_seconds: maybeSeconds, p95_seconds: maybeSeconds })
  .openapi('WaitSummary')

export const Target = z
  .object({
    instance: z.string(),
    name: z.string(),
    labels: z.array(z.string()),
    dispatcher: z.string(),
    min_idle: z.int().describe('As the schedule has it in this minute'),
    schedule: z
      .array(
        z.object({
          cron: z.string(),
          timezone: z.string().nullable().describe("Null: that of Muster's machine"),
          min_idle: z.int(),
          holds: z.boolean().describe('It is the one that says what `min_idle` is in this minute'),
        }),
      )
      .describe('In the order of the file; of those that match a minute the last one holds'),
    next_change_at: maybeTime.describe(
      'When `min_idle` is next another number; null where the schedule has no such minute, or none in the next ten days of an entry that holds',
    ),
    next_min_idle: z.int().nullable().describe('What it is then'),
    max: z.int(),
    live: z.int().describe('Dispatches that are not gone: what counts toward `max`'),
    runners: z
      .object({ booting: z.int(), idle: z.int(), busy: z.int(), unseen: z.int() })
      .describe('What became of them, by state; unseen: the runner is offline, or has not come in time'),
    jobs: z.object({ queued: z.int(), running: z.int() }).describe('That it takes'),
    ttl_seconds: z.number(),
    boot_timeout_seconds: z.number(),
    idle_timeout_seconds: z.number(),
    priority: z.number(),
    match_unlabelled: z.boolean(),
    allow_repos: z.array(z.string()),
    machine_type: z.string().nullable(),
    image: z.string().nullable(),
    waits: z
      .object({ queue: WaitSummary, boot: WaitSummary, run: WaitSummary })
      .describe('Of the jobs that began in the last 24 hours, the newest 200 of them at most'),
  })
  .openapi('Target')

export const Dispatcher = z
  .object({
    name: z.string(),
    kind: z.string(),
    timeout_seconds: z.number(),
    launch_concurrency: z.int(),
    max_parallel: z.int().nullable(),
    on_shutdown: z.enum(['close', 'wait']),
    blocking: z.boolean().describe('It was seen to answer only when its runner had ended'),
    live: z.int().describe('Dispatches that are not gone, over all instances'),
    requests: z.int().describe('Requests of the dispatcher API that wait for it'),
    breaker: z
      .object({
        state: z.enum(['closed', 'open']).describe('Open after three failures in a row: only probes are let through'),
        failures: z.int().describe('Starts that failed since one went well'),
        next_try_at: maybeTime.describe('When an open one lets the next probe through'),
      })
      .describe('Whether starts go through'),
  })
  .openapi('Dispatcher')

export const Job = z
  .object({
    instance: z.string(),
    id: z.string(),
    round: z.int(),
    name: z.string(),
    state: z.enum(['waiting', 'queued', 'running', 'finished']),
    conclusion: z.string().nullable().describe("The forge's word for the end"),
    verdict: z
      .enum(verdictKinds)
      .nullable()
      .describe('Why it has, or has not, a runner; null once finished and until a turn has seen it'),
    reason: z.string().nullable().describe('Narrows the verdict'),
    until: maybeTime.describe('When the verdict may change by itself'),
    covered_by: z
      .object({ runner: z.string().nullable(), dispatch: z.string().nullable() })
      .nullable()
      .describe('What is on its way to it'),
    dispatcher: z.string().nullable().describe('Which dispatcher is asked for its runner, or was'),
    target: z.string().nullable(),
    labels: z.array(z.string()),
    repository: z.string().nullable(),
    run_id: z.string().nullable(),
    runner: z.string().nullable(),
    url: z.string().nullable(),
    dispatches: z.int().describe('How many runners were asked for it'),
    queued_at: maybeTime,
    started_at: maybeTime,
    finished_at: maybeTime,
    first_seen_at: time,
  })
  .openapi('Job')

export const Event = z
  .object({
    id: z.string().describe('Its place among all events; it only grows'),
    type: z.enum(eventTypes),
    at: time,
    instance: z.string().nullable().describe('Null for what concerns all instances'),
    job: round.nullable(),
    target: z.string().nullable(),
    dispatch: z.string().nullable(),
    runner: z.string().nullable(),
    detail: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
      .describe('Short facts; `by` is who did it by hand'),
  })
  .openapi('Event')

const Waits = z
  .object({
    queue_seconds: maybeSeconds.describe('From queued to running; until now while it is queued'),
    boot_seconds: maybeSeconds.describe('From the request for its runner to the first sight of it'),
    run_seconds: maybeSeconds.describe('From running to its end; until now while it runs'),
  })
  .openapi('Waits')

const Explanation = z
  .object({
    sentence: z.string().describe('Why it has, or has not, a runner, with the numbers that made it; or how it went'),
    next: z.string().nullable().describe('What will happen next; null once it is over'),
    next_at: maybeTime.describe('When, where that is known'),
    next_look_at: maybeTime,
    live: z.int().describe('Dispatches of its target that are not gone'),
    max: z.int().nullable().describe('How many there may be; null without a target'),
    ahead: z.int().describe('Jobs that wait longer for the same room'),
    oldest_runner_ends_at: maybeTime.describe('When the first of the live ones must be over by its ttl'),
  })
  .openapi('Explanation')

export const JobDetail = Job.extend({
  explanation: Explanation,
  waits: Waits,
  trail: z.array(Event).describe('Its events, oldest first'),
}).openapi('JobDetail')

export const Runner = z
  .object({
    instance: z.string(),
    name: z.string().nullable().describe('Null while it is booting and its dispatcher has not told'),
    id: z.string().nullable().describe("The forge's"),
    state: z.enum(['booting', 'idle', 'busy', 'offline', 'gone']),
    labels: z.array(z.string()),
    target: z.string().nullable(),
    dispatch: z.string().nullable().describe('Null for a foreign one'),
    first_seen_at: maybeTime,
    idle_since: maybeTime,
    gone_at: maybeTime,
  })
  .openapi('Runner')

export const Dispatch = z
  .object({
    id: z.string(),
    instance: z.string(),
    target: z.string(),
    dispatcher: z.string(),
    job: round.nullable().describe('Null when it was made for min_idle, or asked for over the dispatcher API'),
    state: z.enum(['intended', 'sent', 'accepted', 'refused', 'unknown']),
    labels: z.array(z.string()),
    runner: z.string().nullable().describe('The runner it is tied to, or the name that one will bear'),
    tied_by: z.enum(['name', 'inference']).nullable(),
    intended_at: time,
    sent_at: maybeTime,
    answered_at: maybeTime,
    tied_at: maybeTime,
    covers_until: maybeTime,
    gone_at: maybeTime,
    gone_reason: z.string().nullable(),
    reason: z.string().nullable(),
  })
  .openapi('Dispatch')

export const Request = z
  .object({
    id: z.string().describe('That of its dispatch, once it is started'),
    instance: z.string(),
    labels: z.array(z.string()),
    ttl_seconds: z.number().nullable().describe('Null: as the target says that offers the labels'),
    machine_type: z.string().nullable(),
    image: z.string().nullable(),
    scope,
    asked_at: time,
  })
  .openapi('Request')

export const Moment = z
  .object({
    at: time,
    queued: z.int().describe('Jobs'),
    booting: z.int().describe('Runners, like the next two'),
    idle: z.int(),
    busy: z.int(),
    max: z.int().describe('Of the targets together'),
  })
  .openapi('Moment')

export const Retried = z
  .object({
    effects: z.array(z.enum(retryEffects)).describe('What was taken away'),
    message: z.string().describe('The same in words'),
    job: Job,
  })
  .openapi('Retried')
