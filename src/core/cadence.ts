import type { Signals } from './facts.ts'
import type { Mode } from './mode.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** Looks are at least this far apart. */
export const spacing = 2 * second
/** A nudge makes a look at once, and again after these: the forge may not have made the job yet. */
const nudgeEchoes = [0, 2 * second, 8 * second]
/** While `webhook_only` has lost a webhook within the hour. */
const shortenedReconcile = minute
/** The longest pause between looks that fail. */
const longestRetry = 5 * minute

export interface CadenceSettings {
  disablePolling: boolean
  /** Milliseconds. */
  pollInterval: number
  /** Milliseconds; 0 ends that beat. */
  reconcileInterval: number
}

/** What a worker remembers of its looks and of the webhooks it lost. Not kept over a restart. Times are epoch milliseconds. */
export interface Cadence {
  readonly startedAt: number
  readonly mode: Mode
  /** When the first look whose job list was complete began. */
  readonly firstLookAt: number | null
  /** The first job event over HTTP of this process, as the first turn after it saw it; null before it. */
  readonly firstJobEventAt: number | null
  /** When the last attempt began, and when the last one that came back whole did. */
  readonly attemptedAt: number | null
  readonly completedAt: number | null
  /** Looks in a row of which some part failed, and when that part is tried again. */
  readonly failures: number
  readonly retryAt: number
  /** Before this the forge is not asked for jobs: its list failed, or it named a time (a rate limit). */
  readonly closedUntil: number
  /** The losses of the last hour, oldest first. */
  readonly losses: readonly number[]
  /** The last loss while polling because of it; null when webhooks are trusted. */
  readonly distrustedSince: number | null
  /** A complete look without a loss has begun since. */
  readonly cleanLook: boolean
}

export function startCadence(settings: CadenceSettings, now: number): Cadence {
  return {
    startedAt: now,
    mode: settings.disablePolling ? 'webhook_only' : 'polling',
    firstLookAt: null,
    firstJobEventAt: null,
    attemptedAt: null,
    completedAt: null,
    failures: 0,
    retryAt: 0,
    closedUntil: 0,
    losses: [],
    distrustedSince: null,
    cleanLook: false,
  }
}

/**
 * The same once the clock of the wall was set back: whatever it remembers to have been stays past, and whatever it waits for is no farther
 * away than it was. Else the next look would wait until the clock has come round.
 */
export function setBack(cadence: Cadence, now: number): Cadence {
  const by = Math.max(cadence.startedAt, cadence.attemptedAt ?? 0) - now
  if (by <= 0) return cadence
  const moved = (at: number | null) => (at === null ? null : at - by)
  return {
    ...cadence,
    startedAt: cadence.startedAt - by,
    firstLookAt: moved(cadence.firstLookAt),
    firstJobEventAt: moved(cadence.firstJobEventAt),
    attemptedAt: moved(cadence.attemptedAt),
    completedAt: moved(cadence.completedAt),
    retryAt: cadence.retryAt - by,
    closedUntil: cadence.closedUntil - by,
    losses: cadence.losses.map((at) => at - by),
    distrustedSince: moved(cadence.distrustedSince),
  }
}

/** What came of one look. */
export interface LookResult {
  beganAt: number
  /** Every part that the forge has came back whole. */
  complete: boolean
  jobsComplete: boolean
  /** The forge did not answer with a job list at all. */
  jobsFailed: boolean
  /** Epoch milliseconds before which the forge does not want to be asked again; null when it named no time. */
  retryAt: number | null
}

/** A look has begun: the next one is counted from here. */
export function lookBegan(cadence: Cadence, beganAt: number): Cadence {
  return { ...cadence, attemptedAt: beganAt }
}

export function lookEnded(cadence: Cadence, look: LookResult, now: number): Cadence {
  const failures = look.complete ? 0 : cadence.failures + 1
  const pause = Math.min(longestRetry, second * 2 ** Math.min(failures, 16))
  const retryAt = look.complete ? 0 : Math.max(now + pause, look.retryAt ?? 0)
  return {
    ...cadence,
    firstLookAt: cadence.firstLookAt ?? (look.jobsComplete ? look.beganAt : null),
    completedAt: look.complete ? look.beganAt : cadence.completedAt,
    failures,
    retryAt,
    closedUntil: look.jobsFailed ? retryAt : (look.retryAt ?? 0),
    cleanLook: cadence.cleanLook || (look.jobsComplete && look.beganAt > (cadence.distrustedSince ?? 0)),
  }
}

/** The first job event over HTTP of this process; null before it. */
export function firstJobEvent(cadence: Cadence, signals: Signals): number | null {
  if (cadence.firstJobEventAt !== null) return cadence.firstJobEventAt
  return signals.jobEventAt !== null && signals.jobEventAt >= cadence.startedAt ? signals.jobEventAt : null
}

/** Which mode follows from what a turn found: `lost` webhooks, and the job events that came. */
export function nextMode(before: Cadence, lost: number, signals: Signals, now: number): Cadence {
  // The signals tell the last one only: the first is kept, or each new event would excuse the losses before it.
  const cadence = { ...before, firstJobEventAt: firstJobEvent(before, signals) }
  const losses = [...cadence.losses.filter((at) => at > now - hour), ...Array<number>(lost).fill(now)]
  if (cadence.mode === 'webhook_only') return { ...cadence, losses }
  if (lost > 0) return { ...cadence, losses, mode: 'polling', distrustedSince: now, cleanLook: false }
  if (cadence.mode !== 'polling') return { ...cadence, losses }
  if (cadence.distrustedSince === null) {
    return { ...cadence, losses, mode: firstJobEvent(cadence, signals) === null ? 'polling' : 'webhook' }
  }
  const regained = cadence.cleanLook && signals.announcedSince >= eventsNeeded(losses)
  return regained ? { ...cadence, losses, mode: 'webhook', distrustedSince: null } : { ...cadence, losses }
}

/**
 * The mode that fits what the forge can do: without a job list there is nothing to poll for, and webhooks are all there is. The list may
 * come with an upgrade, and polling with it.
 */
export function fitMode(cadence: Cadence, { disablePolling }: CadenceSettings, listsJobs: boolean): Cadence {
  if (disablePolling) return cadence
  if (!listsJobs) return cadence.mode === 'polling' ? { ...cadence, mode: 'webhook_only' } : cadence
  return cadence.mode === 'webhook_only' ? { ...cadence, mode: 'polling' } : cadence
}

/** Under other settings: what was learned stays, and so does the mode, unless it is `disable_polling` itself that changed. */
export function underSettings(cadence: Cadence, before: CadenceSettings, now: CadenceSettings): Cadence {
  if (before.disablePolling === now.disablePolling) return cadence
  return { ...cadence, mode: now.disablePolling ? 'webhook_only' : 'polling' }
}

/** How many jobs must be announced before webhooks are trusted again: 1, doubled by each further loss of the hour, at most 8. */
export function eventsNeeded(losses: readonly number[]): number {
  return Math.min(8, 2 ** Math.max(0, losses.length - 1))
}

/**
 * When the next look begins; null when none is to come. `owed` are the moments after which a look must begin, in every mode:
 * one that began before such a moment does not answer it.
 */
export function nextLookAt(
  cadence: Cadence,
  settings: CadenceSettings,
  owed: readonly number[],
  signals: Signals,
  now: number,
): number | null {
  if (cadence.attemptedAt === null) return now
  const { attemptedAt, completedAt } = cadence
  const nudges = signals.nudgedAt === null ? [] : nudgeEchoes.map((after) => signals.nudgedAt! + after)
  const beat = beatInterval(cadence, settings, now)
  const unanswered = owed.filter((at) => completedAt === null || completedAt < at)
  const wanted = [
    ...nudges.filter((at) => at > attemptedAt && at >= cadence.startedAt),
    ...(beat === null ? [] : [attemptedAt + beat]),
    // What an attempt could not answer is asked again after the pause, not at once.
    ...unanswered.map((at) => Math.max(at, cadence.retryAt)),
    ...(cadence.failures > 0 ? [cadence.retryAt] : []),
  ]
  if (wanted.length === 0) return null
  return Math.max(Math.min(...wanted), attemptedAt + spacing, cadence.closedUntil)
}

function beatInterval(cadence: Cadence, settings: CadenceSettings, now: number): number | null {
  if (cadence.mode === 'polling') return settings.pollInterval
  const reconcile = settings.reconcileInterval === 0 ? null : settings.reconcileInterval
  const lately = cadence.mode === 'webhook_only' && hasLost(cadence, now)
  return lately ? Math.min(reconcile ?? shortenedReconcile, shortenedReconcile) : reconcile
}

function hasLost({ losses }: Cadence, now: number): boolean {
  return losses.some((at) => at > now - hour)
}

/** Whether a look may leave out what webhooks would have told: they work, and something was seen that they can be held against. */
export function trustsWebhooks(cadence: Cadence, now: number): boolean {
  if (cadence.firstLookAt === null || cadence.mode === 'polling') return false
  // `webhook_only` does not poll after a loss: its looks are more frequent, and have to look at everything to find the next.
  return cadence.mode !== 'webhook_only' || !hasLost(cadence, now)
}
