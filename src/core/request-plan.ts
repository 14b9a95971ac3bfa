import { offering, requestTarget } from './request.ts'
import type { Rooms } from './rooms.ts'
import type { Snapshot, Wanted } from './snapshot.ts'

export interface RequestPlan {
  wanted: readonly Wanted[]
  wakeAt: number | null
}

/** Of a request that no target offers. */
const nowhere = { name: requestTarget, fallback: [] }

/**
 * The waiting requests whose start may be tried now, first in first out; whether there is room is seen when they are written. One that
 * failed before it was sent is tried again after its back-off and holds up no other.
 */
export function requestPlan({ facts, targets, rules, api }: Snapshot, rooms: Rooms): RequestPlan {
  if (api === null || facts.paused) return { wanted: [], wakeAt: null }
  const wanted: Wanted[] = []
  const wakes: number[] = []
  for (const request of facts.requests) {
    const place = offering(request.labels, targets, rules) ?? { ...nowhere, dispatcher: api.dispatcher }
    const choice = rooms.choose(place, null, request)
    if (choice.until !== null) {
      wakes.push(choice.until)
      continue
    }
    const { dispatcher, instead, others } = choice
    rooms.take(requestTarget, dispatcher, null)
    wanted.push({ target: requestTarget, dispatcher, instead, others, job: null, request })
  }
  return { wanted, wakeAt: wakes.length > 0 ? Math.min(...wakes) : null }
}
