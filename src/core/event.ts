/** One line of a trail: what happened, to what, when. Append-only, bounded in size, without payloads and secrets. */
export interface Event {
  type: EventType
  /** Epoch milliseconds. */
  at: number
  instance: string
  job: { id: string; round: number } | null
  target: string | null
  dispatch: string | null
  runner: string | null
  /** Short facts for people, each at most 256 characters. */
  detail: Readonly<Record<string, string | number | boolean | null>>
}

export type EventType =
  | 'job_queued'
  | 'job_running'
  | 'job_finished'
  | 'round_opened'
  | 'runner_requested'
  | 'request_cancelled'
  | 'dispatch_intended'
  | 'dispatch_sent'
  | 'dispatch_accepted'
  | 'dispatch_refused'
  | 'dispatch_unknown'
  | 'dispatch_gone'
  | 'freed_without_proof'
  | 'runner_tied'
  | 'runner_gone'
  | 'runner_idled_out'
  | 'webhook_lost'
  | 'mode_changed'
  | 'hook_made'
  | 'paused'
  | 'resumed'
