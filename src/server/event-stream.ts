import type { Clock } from '../clock.ts'
import type { StoredEvent } from '../core/event.ts'
import type { EventQuery, Store } from '../store/store.ts'
import * as present from './presenters.ts'

export interface StreamDeps {
  store: Pick<Store, 'events' | 'onBell'>
  clock: Clock
  /** Aborted when the service begins to stop: every stream ends then. */
  stopping: AbortSignal
}

/** Durations are milliseconds. */
export interface StreamLimits {
  /** Streams at once. */
  streams: number
  /** How often the store is asked where nothing rings: a turn does not, nor does another replica's. */
  beat: number
  /** What happens within this time is told together. */
  together: number
  /** A proxy ends what is silent for longer; most wait a minute. */
  heartbeat: number
  /** A client that takes nothing for so long is cut off; it goes on where it was when it comes back. */
  patience: number
  /** A stream ends after so long, and its client asks again: with a token that may be another by then. */
  life: number
}

export const streamLimits: StreamLimits = {
  streams: 100,
  beat: 500,
  together: 100,
  heartbeat: 15_000,
  patience: 30_000,
  life: 60 * 60_000,
}

export type StreamFilter = Omit<EventQuery, 'cursor' | 'limit' | 'after' | 'until'>

export interface EventStreams {
  /**
   * Server-sent events that pass the filter: those after this id, or those to come where it is null. Null when too many streams are open.
   * `hangUp` ends the connection of a client that takes nothing. Rejects with `BadCursor` for text that is no id.
   */
  open(filter: StreamFilter, after: string | null, hangUp: () => void): Promise<ReadableStream<Uint8Array> | null>
}

/** Events that are read from the store at once, and so the most that a stream holds in memory. */
const pageSize = 200

/** Each stream reads the store by itself, and only when its client has taken what it was given: nothing is kept here, and any replica can serve any client. */
export function createEventStreams(deps: StreamDeps, limits: StreamLimits = streamLimits): EventStreams {
  const { store, clock, stopping } = deps
  /** How to wake each open stream. */
  const wakes = new Set<() => void>()
  store.onBell(() => wakes.forEach((wake) => void wake()))

  return {
    async open(filter, after, hangUp) {
      if (wakes.size >= limits.streams || stopping.aborted) return null
      const gone = new AbortController()
      const ended = AbortSignal.any([gone.signal, stopping])
      const { wake, wait } = waker(clock)
      ended.addEventListener('abort', wake)
      wakes.add(wake)
      try {
        const follow = await follower(store, filter, after)
        const texts = tell({ follow, wait, clock, limits, ended })
        return streamOf(texts, gone, () => void wakes.delete(wake), hangUp)
      } catch (error) {
        wakes.delete(wake)
        throw error
      }
    },
  }

  function streamOf(
    texts: AsyncGenerator<string, void>,
    gone: AbortController,
    over: () => void,
    hangUp: () => void,
  ): ReadableStream<Uint8Array> {
    let taken = new AbortController()

    async function expectTaken({ signal }: AbortController): Promise<void> {
      await clock.sleep(limits.patience, AbortSignal.any([signal, gone.signal]))
      if (!signal.aborted && !gone.signal.aborted) hangUp()
    }

    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          taken.abort()
          // State that cannot be read ends the stream; the client that comes back is told.
          const text = await texts.next().then(
            ({ value }) => value ?? null,
            () => null,
          )
          if (text !== null) {
            controller.enqueue(Buffer.from(text))
            taken = new AbortController()
            return void expectTaken(taken)
          }
          over()
          if (!gone.signal.aborted) controller.close()
        },
        cancel() {
          gone.abort()
          over()
        },
      },
      { highWaterMark: 0 },
    )
  }
}

interface Telling {
  follow: Follow
  wait: (ms: number) => Promise<void>
  clock: Clock
  limits: StreamLimits
  ended: AbortSignal
}

/** What goes over the wire, one text after the other, until the end. */
async function* tell({ follow, wait, clock, limits, ended }: Telling): AsyncGenerator<string, void> {
  const endsAt = clock.now() + limits.life
  let saidAt = clock.now()
  // In milliseconds, when to come back. It also tells the client at once that it is heard.
  yield 'retry: 1000\n\n'
  while (!ended.aborted && clock.now() < endsAt) {
    const events = await follow()
    const isSilent = clock.now() >= saidAt + limits.heartbeat
    if (events.length > 0 || isSilent) {
      saidAt = clock.now()
      yield events.length > 0 ? events.map(asText).join('') : ':\n\n'
    }
    if (events.length === pageSize) continue
    await wait(Math.min(limits.beat, saidAt + limits.heartbeat - clock.now()))
    await clock.sleep(limits.together, ended)
  }
}

function asText(event: StoredEvent): string {
  return `id: ${event.id}\ndata: ${JSON.stringify(present.event(event))}\n\n`
}

/** The events since the last call, oldest first, at most `pageSize`. */
type Follow = () => Promise<readonly StoredEvent[]>

async function follower(store: StreamDeps['store'], filter: StreamFilter, from: string | null): Promise<Follow> {
  const newest = async () => (await store.events({ limit: 1 })).items[0]?.id ?? '0'
  // What is no id is refused before anything is answered.
  if (from !== null) await store.events({ after: from, limit: 1 })
  let after = from ?? (await newest())
  return async () => {
    const head = await newest()
    // An id that is not there yet is of a state that was lost: to that client everything is new.
    if (Number(head) < Number(after)) after = '0'
    if (head === after) return []
    const { items } = await store.events({ ...filter, after, limit: pageSize })
    // Where none passed the filter, none does up to the head.
    after = items.at(-1)?.id ?? head
    return items
  }
}

/** Shortens a wait. What wakes while nobody waits ends the next wait at once. */
function waker(clock: Clock) {
  let woken = new AbortController()
  return {
    wake: () => woken.abort(),
    async wait(ms: number): Promise<void> {
      await clock.sleep(ms, woken.signal)
      woken = new AbortController()
    },
  }
}
