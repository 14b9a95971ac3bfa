import type { LookResult } from '../core/cadence.ts'
import type { Look, TimedRunningList } from '../core/look.ts'
import { ForgeError } from '../forges/errors.ts'
import type { Capabilities } from '../forges/forge.ts'
import type { TurnDeps } from './deps.ts'
import type { Recovery } from './recover.ts'

/** What one look saw, and how well it went. */
export interface Observation {
  look: Look
  result: LookResult
  /** Null when the forge could not be asked what it can do. */
  capabilities: Capabilities | null
  /** A list that the forge has is not shown now. */
  listMissing: boolean
  /** False when the forge has no job list; null when nobody knows. */
  jobsListed: boolean | null
  /** What reading back lost deliveries brought; null where it was not tried or failed. */
  recovery: Recovery | null
  /** The first thing that went wrong, for people; null when nothing did. */
  error: string | null
}

type ObserveDeps = Pick<TurnDeps, 'forge' | 'lanes' | 'targets' | 'clock' | 'log'>

/** How much is asked for. */
export interface Question {
  /** What the forge can do; null asks it. */
  known: Capabilities | null
  /** Where webhooks work: the repositories with open jobs. Null asks for the whole scope. */
  only: readonly string[] | null
  /** Reads lost deliveries back; null when it is not their time. */
  recover: ((signal: AbortSignal) => Promise<Recovery | null>) | null
}

/** Asks the forge for its jobs and runners and the dispatchers for what they run, in parallel. Never rejects: what fails proves nothing. */
export async function observe(
  deps: ObserveDeps,
  { known, only, recover }: Question,
  signal: AbortSignal,
): Promise<Observation> {
  const beganAt = deps.clock.now()
  const labels = [...new Set(deps.targets.flatMap(({ offers }) => offers))]
  // What a forge can do may change how its lists are read, so it is asked first, once.
  const capabilities = there(await attempt(known ?? deps.forge.probe(signal)))
  const recovery = await attempt(capabilities.value?.recovers && recover ? recover(signal) : null)
  // Without a word of what got lost, only a look at all of it tells.
  const narrowed = recovery.error || recovery.value?.gap ? null : only
  const [listedJobs, listedRunners, running] = await Promise.all([
    attempt(deps.forge.jobs({ labels, only: narrowed }, signal)),
    attempt(deps.forge.runners(signal)),
    listRunning(deps, 'all', signal),
  ])
  const jobs = expected(listedJobs, 'jobs', capabilities.value?.jobs)
  const runners = expected(listedRunners, 'runners', capabilities.value?.runners)
  const errors = [jobs, runners, capabilities, recovery].flatMap(({ error }) => (error ? [error] : []))
  if (!signal.aborted) for (const error of errors) deps.log.warn({ err: error }, 'a look could not see everything')
  const jobsComplete = jobs.error === null && (jobs.value?.complete ?? true)
  const runnersComplete = runners.error === null && (runners.value?.complete ?? true)
  const retryAts = errors.flatMap((error) =>
    error instanceof ForgeError && error.retryAt !== null ? [error.retryAt] : [],
  )
  return {
    look: { beganAt, jobs: jobs.value, runners: runners.value, running },
    result: {
      beganAt,
      complete: jobsComplete && runnersComplete,
      jobsComplete,
      jobsFailed: jobs.error !== null,
      retryAt: retryAts.length > 0 ? Math.max(...retryAts) : null,
    },
    capabilities: capabilities.value,
    listMissing: jobs.error instanceof ListMissing || runners.error instanceof ListMissing,
    jobsListed: jobs.error === null ? jobs.value !== null : null,
    error: errors[0]?.message ?? null,
    recovery: recovery.value,
  }
}

/** What the dispatchers run: all of them with a look, the local ones, which cost nothing to ask, before every turn. */
export async function listRunning(
  { lanes, log }: Pick<ObserveDeps, 'lanes' | 'log'>,
  which: 'all' | 'local',
  signal: AbortSignal,
): Promise<ReadonlyMap<string, TimedRunningList>> {
  const asked = [...lanes].filter(([, lane]) => lane.lists && (which === 'all' || lane.traits.local))
  const lists = await Promise.all(
    asked.map(async ([name, lane]): Promise<[string, TimedRunningList][]> => {
      const { value, error } = await attempt(lane.running(signal))
      if (error) log.warn({ err: error, dispatcher: name }, 'a dispatcher could not tell what it runs')
      return value ? [[name, value]] : []
    }),
  )
  return new Map(lists.flat())
}

interface Attempt<T> {
  value: T | null
  error: Error | null
}

/** Where neither a version nor a list is found, no forge answers: what it can do is asked again with the next look. */
function there(probe: Attempt<Capabilities>): Attempt<Capabilities> {
  if (probe.value === null || probe.value.version !== null || probe.value.jobs || probe.value.runners) return probe
  return { value: null, error: new Error('no forge answers there: neither its version nor a list is found') }
}

/** A list is known not to be there only where the forge said so when it was asked what it can do. A proxy without its forge says 404, too. */
function expected<T>(list: Attempt<T>, what: string, has: boolean | undefined): Attempt<T> {
  if (list.value !== null || list.error !== null || has === false) return list
  const why = 'its scope was renamed or hidden from the token, or something else answers in its place'
  return { value: null, error: new ListMissing(`the forge does not show its list of ${what}: ${why}`) }
}

class ListMissing extends Error {
  override readonly name = 'ListMissing'
}

async function attempt<T>(asked: Promise<T | null> | T | null): Promise<Attempt<T>> {
  try {
    return { value: await asked, error: null }
  } catch (error) {
    return { value: null, error: error instanceof Error ? error : new Error(String(error)) }
  }
}
