/** Every transition that leaves a line in a trail. The list is closed; what each tells besides is in docs/reference/events.md. */
export const eventTypes = [
  'delivery_received',
  'job_waiting',
  'job_queued',
  'job_running',
  'job_finished',
  'job_retried',
  'round_opened',
  'verdict_changed',
  'webhook_lost',
  'runner_requested',
  'request_cancelled',
  'dispatch_intended',
  'dispatch_sent',
  'dispatch_accepted',
  'dispatch_refused',
  'dispatch_unknown',
  'dispatch_gone',
  'freed_without_proof',
  'runner_registered',
  'runner_tied',
  'runner_idle',
  'runner_busy',
  'runner_offline',
  'runner_idled_out',
  'runner_gone',
  'look_asked',
  'look_began',
  'look_ended',
  'mode_changed',
  'hook_made',
  'paused',
  'resumed',
  'config_reloaded',
  'config_refused',
  'state_rebuilt',
] as const

export type EventType = (typeof eventTypes)[number]

/** One line of a trail: what happened, to what, when. Append-only, bounded in number and age, without payloads and secrets. */
export interface Event {
  type: EventType
  /** Epoch milliseconds. */
  at: number
  /** Empty for what concerns all instances. */
  instance: string
  job: { id: string; round: number } | null
  target: string | null
  dispatch: string | null
  runner: string | null
  /** Short facts for people, each at most 256 characters. What somebody did by hand tells who: `by`. */
  detail: EventDetail
}

export type EventDetail = Readonly<Record<string, string | number | boolean | null>>

/** An event as it is kept: `id` is its place among all of them, a number as text that only grows. */
export interface StoredEvent extends Event {
  id: string
}

/** When and where it happened, and to what; what it is not about is null. */
export type About = Pick<Event, 'at' | 'instance'> & Partial<Pick<Event, 'job' | 'target' | 'dispatch' | 'runner'>>

const longest = 256

export function eventAbout(type: EventType, about: About, detail: EventDetail = {}): Event {
  const { at, instance, job = null, target = null, dispatch = null, runner = null } = about
  const ref = job && { id: job.id, round: job.round }
  return { type, at, instance, job: ref, target, dispatch, runner, detail: shortened(detail) }
}

function shortened(detail: EventDetail): EventDetail {
  const cut = (value: EventDetail[string]) =>
    typeof value === 'string' && value.length > longest ? `${value.slice(0, longest - 1)}…` : value
  return Object.fromEntries(Object.entries(detail).map(([key, value]) => [key, cut(value)]))
}
