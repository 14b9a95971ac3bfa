import type { Credential } from '../../core/credential.ts'
import { HttpFailed } from '../../http-client.ts'
import { Scrubber } from '../../secret.ts'
import { createDeadlines } from '../deadlines.ts'
import type { Dispatcher, DispatcherContext, DispatcherType, Launched, LaunchRequest } from '../dispatcher.ts'
import { DispatchRefused, DispatchUnknown } from '../errors.ts'
import { reason } from '../reason.ts'
import { secretsOf } from '../recipe.ts'
import { readAnswer } from './answer.ts'
import { createNomadApi } from './api.ts'
import { findings } from './findings.ts'
import type { NomadOptions } from './options.ts'
import { pack } from './parcel.ts'
import { whyNotPlaced } from './placement.ts'
import { createSurvey, type Survey } from './survey.ts'

/** Runners as dispatches of a parameterized Nomad job. They live on when we end, and are found again. */
export const nomad: DispatcherType<NomadOptions> = { kind: 'nomad', create }

/** Between two looks, however often Nomad tells of changes; and the longest pause while it cannot be asked. Milliseconds. */
const calm = 1_000
const longestPause = 30_000

function create(options: NomadOptions, { owner, clock, note }: DispatcherContext): Dispatcher {
  const api = createNomadApi(options)
  const look = createSurvey(api, owner)
  const closing = new AbortController()
  const starting = new Map<string, Promise<Launched>>()
  const doubts = new Set<string>()
  const alive = new Set<string>()
  const obstacles = new Set<string>()
  const listeners: (() => void)[] = []
  const deadlines = createDeadlines(clock, (id) => stop(id, closing.signal))
  const watching = watch()

  return {
    kind: 'nomad',
    traits: { credentials: 'ours', names: true, askAgain: true, stops: true, lists: true, local: false },

    launch(request, signal) {
      const known = starting.get(request.id)
      if (known !== undefined) return known
      const start = launch(request, until(signal))
        .catch((error: unknown) => settle(request.id, error))
        .finally(() => starting.delete(request.id))
      starting.set(request.id, start)
      return start
    },

    async running(signal) {
      const { complete, found } = await survey(until(signal)).catch(fail)
      return { complete, dispatches: [...new Set(found.map(({ dispatch }) => dispatch))] }
    },

    stop: (id, signal) => stop(id, until(signal)).catch(fail),

    onEnd(listener) {
      listeners.push(listener)
    },

    check: (signal) => findings(api, options, until(signal), (text) => reason(text, scrubberOf(options))),

    async close() {
      closing.abort()
      deadlines.close()
      await Promise.allSettled([watching, ...starting.values()])
      api.close()
    },
  }

  // A refusal proves nothing of an earlier attempt whose outcome is not known.
  function settle(id: string, error: unknown): never {
    if (error instanceof DispatchRefused && !doubts.has(id)) throw error
    doubts.add(id)
    throw error instanceof DispatchRefused ? new DispatchUnknown(error.message) : error
  }

  function until(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, closing.signal])
  }

  async function launch(request: LaunchRequest, signal: AbortSignal): Promise<Launched> {
    const { credential } = request
    if (!credential) throw new DispatchRefused('the runner was given no credential of the forge')
    const scrubber = scrubberOf(options, credential)
    const endsAt = clock.now() + request.ttl
    const parcel = pack(request, credential, { owner, endsAt, options })
    const answer = await api.dispatch(parcel, request.id, signal).catch((error: unknown) => {
      throw outcomeOf(error, scrubber)
    })
    const reading = readAnswer(answer, clock.now())
    switch (reading.kind) {
      case 'refused':
        throw new DispatchRefused(reason(reading.reason, scrubber), { retryAt: reading.retryAt })
      case 'unknown':
        throw new DispatchUnknown(reason(reading.reason, scrubber))
      case 'accepted':
        doubts.delete(request.id)
        alive.add(request.id)
        // One that was dispatched before ends when it said then; the next look reads that.
        if (reading.evaluation === null) return { name: request.name }
        deadlines.keep(request.id, endsAt)
        void tellObstacles(request.name, reading.evaluation)
        return { name: request.name }
    }
  }

  /** Says once why Nomad cannot place runners, until it places one again. */
  async function tellObstacles(name: string, evaluation: string): Promise<void> {
    const why = await whyNotPlaced(api, evaluation, clock, closing.signal).catch(() => null)
    if (why === null) return obstacles.clear()
    if (obstacles.has(why)) return
    obstacles.add(why)
    note(`Nomad accepted ${name} and cannot place it now, ${reason(why, scrubberOf(options))}`)
  }

  /** What lives. Ends become known with it, and the time of all that is found goes on running out. */
  async function survey(signal: AbortSignal): Promise<Survey> {
    // What is accepted while the list is on its way may be missing from it.
    const before = [...alive]
    const seen = await look(signal)
    for (const { dispatch, endsAt } of seen.found) {
      alive.add(dispatch)
      if (endsAt !== null && !closing.signal.aborted) deadlines.keep(dispatch, endsAt)
    }
    const present = new Set(seen.found.map(({ dispatch }) => dispatch))
    const ended = seen.complete ? before.filter((id) => !present.has(id)) : []
    for (const id of ended) {
      alive.delete(id)
      deadlines.forget(id)
    }
    if (ended.length > 0) for (const listener of listeners) listener()
    return seen
  }

  async function stop(id: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await starting.get(id)?.catch(() => undefined)
    const { complete, found } = await look(signal)
    const jobs = found.filter(({ dispatch }) => dispatch === id)
    if (jobs.length === 0 && !complete) throw new Error(`Nomad does not tell whether ${id} is among what it runs`)
    for (const { job } of jobs) await api.deregister(job, signal)
  }

  /** Looks whenever a dispatched job changes, for as long as we live. */
  async function watch(): Promise<void> {
    const { signal } = closing
    let index: string | null = null
    for (let failures = 0; !signal.aborted; ) {
      try {
        index = await api.change(index, signal)
        await survey(signal)
        failures = 0
        await clock.sleep(calm, signal)
      } catch (error) {
        if (signal.aborted) return
        if (failures++ === 0) note(`Nomad cannot be watched, so ends are seen late: ${sentence(error)}`)
        index = null
        await clock.sleep(Math.min(longestPause, calm * 2 ** Math.min(failures, 10)), signal)
      }
    }
  }

  function sentence(error: unknown): string {
    return reason(error instanceof Error ? error.message : String(error), scrubberOf(options))
  }

  function fail(error: unknown): never {
    throw new Error(sentence(error), { cause: error })
  }
}

function scrubberOf({ token }: NomadOptions, credential?: Credential): Scrubber {
  const scrubber = new Scrubber()
  for (const secret of credential ? secretsOf(credential) : []) scrubber.add(secret)
  try {
    scrubber.add(token?.reveal() ?? '')
  } catch {
    // What cannot be read cannot have been sent.
  }
  return scrubber
}

function outcomeOf(error: unknown, scrubber: Scrubber): Error {
  if (!(error instanceof HttpFailed))
    return new DispatchRefused(reason(`Nomad could not be called: ${error}`, scrubber), { cause: error })
  if (error.sent) return new DispatchUnknown(reason(`Nomad's answer did not come: ${error.message}`, scrubber))
  return new DispatchRefused(reason(`Nomad cannot be reached: ${error.message}`, scrubber))
}
