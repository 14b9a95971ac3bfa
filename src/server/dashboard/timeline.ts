import type { EventType, StoredEvent } from '../../core/event.ts'
import type { Job } from '../../core/job.ts'

/** One stretch of a job's way, epoch milliseconds. */
export interface Bar {
  kind: 'waiting' | 'queue' | 'boot' | 'refused' | 'run'
  label: string
  from: number
  to: number
  /** It goes on. */
  open: boolean
}

const bootEnds: readonly EventType[] = [
  'runner_tied',
  'runner_registered',
  'runner_idle',
  'runner_busy',
  'dispatch_refused',
  'dispatch_gone',
]

/** The way of one round as its trail tells it: it waited, it was queued, runners booted for it, it ran. The trail is oldest first. */
export function barsOf(job: Job, trail: readonly StoredEvent[], now: number): Bar[] {
  const first = (...types: EventType[]) => trail.find(({ type }) => types.includes(type))?.at ?? null
  const over = first('job_finished') ?? job.seenFinishedAt
  const running = first('job_running') ?? job.seenRunningAt
  const queued = first('job_queued', 'round_opened') ?? job.seenQueuedAt
  const bars: Bar[] = []
  const add = (kind: Bar['kind'], label: string, from: number | null, ...ends: (number | null)[]) => {
    if (from === null) return
    const end = ends.find((at) => at !== null) ?? null
    bars.push({ kind, label, from, to: Math.max(from, end ?? now), open: end === null })
  }
  const waited = first('job_waiting')
  add('waiting', 'Waits for others', waited, queued, running, over)
  add('queue', 'In the queue', queued ?? (waited === null ? job.firstSeenAt : null), running, over)
  bars.push(...boots(trail, running, over, now))
  add('run', 'Runs', running, over)
  return bars
}

/** From the intent of each dispatch to its runner's first sign of life, or to its end. */
function boots(trail: readonly StoredEvent[], running: number | null, over: number | null, now: number): Bar[] {
  const intents = trail.filter(({ type, dispatch }) => type === 'dispatch_intended' && dispatch !== null)
  return intents.map(({ at, dispatch }, index) => {
    const end = trail.find((event) => event.dispatch === dispatch && event.at >= at && bootEnds.includes(event.type))
    const isLast = index === intents.length - 1
    const ended = end?.at ?? (isLast ? (running ?? over) : null)
    const isRefused = end?.type === 'dispatch_refused'
    const label = isRefused ? 'Refused' : intents.length > 1 ? `Runner ${index + 1} boots` : 'Runner boots'
    return {
      kind: isRefused ? 'refused' : 'boot',
      label,
      from: at,
      to: Math.max(at, ended ?? now),
      open: ended === null,
    }
  })
}
