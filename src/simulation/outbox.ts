import type { Choices } from './choices.ts'

/** One webhook request as the forge made it. */
export interface Delivery {
  /** What `X-…-Delivery` says; a duplicate bears the same. */
  id: string
  hookId: number
  event: string
  action: string | null
  /** The job it speaks of; null for the other events. */
  jobId: number | null
  payload: unknown
  /** Epoch milliseconds. */
  madeAt: number
  fault: FaultKind | null
}

export type FaultKind = 'lose' | 'duplicate' | 'delay' | 'reorder'

/** A fault that a story ordered: it befalls the next delivery that matches, once. */
export interface OrderedFault {
  kind: FaultKind
  matches: (delivery: Delivery) => boolean
}

/** How many of a hundred deliveries meet each fault. */
export type FaultRates = Partial<Record<FaultKind, number>>

/** The way from the forge to its hooks, where deliveries are lost, doubled, late and out of order. It holds no timer: whoever drives it asks what is due. */
export interface Outbox {
  put(delivery: Omit<Delivery, 'fault'>): void
  order(fault: OrderedFault): void
  /** Takes what is due at `now`, oldest first. */
  take(now: number): Delivery[]
  /** When the next one is due, epoch milliseconds; null when nothing waits. */
  nextAt(): number | null
  /** Every delivery that was ever made, with the fault that it met. */
  readonly made: readonly Delivery[]
  /** Called after each `put`. */
  onPut(listener: () => void): void
}

const second = 1_000
/** A delayed one comes so much later. */
const delay = 2 * second
/** The twin of a duplicate comes so much later. */
const twinDelay = 300
/** One that is to be overtaken waits at most so long for another. */
const longestHold = 5 * second

export function createOutbox({ choices, rates = {} }: { choices: Choices; rates?: FaultRates | undefined }): Outbox {
  const made: Delivery[] = []
  const listeners: (() => void)[] = []
  let ordered: OrderedFault[] = []
  let waiting: { delivery: Delivery; dueAt: number; overtakeable: boolean }[] = []

  function drawn(): FaultKind | null {
    const kinds = ['lose', 'duplicate', 'delay', 'reorder'] as const
    // From the top down, so that the draw 0 is harmless at every rate below 100.
    let draw = 99 - choices(100)
    for (const kind of kinds) {
      draw -= rates[kind] ?? 0
      if (draw < 0) return kind
    }
    return null
  }

  return {
    made,
    order: (fault) => void ordered.push(fault),
    put(given) {
      const delivery: Delivery = { ...given, fault: null }
      const order = ordered.find(({ matches }) => matches(delivery))
      ordered = ordered.filter((one) => one !== order)
      delivery.fault = order?.kind ?? drawn()
      made.push(delivery)
      const now = delivery.madeAt
      for (const held of waiting) {
        if (!held.overtakeable || held.delivery.hookId !== delivery.hookId) continue
        held.dueAt = now + twinDelay
        held.overtakeable = false
      }
      const wait = (dueAt: number, overtakeable = false) => waiting.push({ delivery, dueAt, overtakeable })
      switch (delivery.fault) {
        case 'lose':
          break
        case 'delay':
          wait(now + delay)
          break
        case 'reorder':
          wait(now + longestHold, true)
          break
        case 'duplicate':
          wait(now)
          wait(now + twinDelay)
          break
        case null:
          wait(now)
      }
      for (const listener of listeners) listener()
    },
    take(now) {
      const due = waiting.filter(({ dueAt }) => dueAt <= now).sort((a, b) => a.dueAt - b.dueAt)
      waiting = waiting.filter(({ dueAt }) => dueAt > now)
      return due.map(({ delivery }) => delivery)
    },
    nextAt: () => (waiting.length === 0 ? null : Math.min(...waiting.map(({ dueAt }) => dueAt))),
    onPut: (listener) => void listeners.push(listener),
  }
}
