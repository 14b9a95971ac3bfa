import type { Clock } from '../../src/clock.ts'
import type { LabelRules } from '../../src/core/labels.ts'
import type { Reading } from '../../src/forges/forge.ts'
import { createLog } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { Scrubber } from '../../src/secret.ts'
import { publicApp } from '../../src/server/public.ts'
import type { Intake } from '../../src/server/webhooks.ts'
import type { DeliveryRecord } from '../../src/store/store.ts'
import { aTarget, at } from '../support/builders.ts'

/** Label rules of a forge without any peculiarity. */
export const plainLabels: LabelRules = {
  foldCase: false,
  cutSchemes: false,
  implied: [],
  unlabelled: 'never',
  hostedUnless: null,
}

export const githubLabels: LabelRules = {
  ...plainLabels,
  foldCase: true,
  implied: ['self-hosted'],
  hostedUnless: 'self-hosted',
}

/** A forge whose payloads are readings, as JSON, and whose signature is the word `good`. */
export function aForge(labels: LabelRules = plainLabels): Intake['forge'] {
  return {
    labels,
    async read({ headers, body }): Promise<Reading> {
      if (headers['x-signature'] !== 'good') return { kind: 'unauthorized' }
      try {
        const told: unknown = JSON.parse(Buffer.from(body).toString())
        if (isReading(told)) return told
      } catch {
        // Told below.
      }
      return { kind: 'invalid', problem: 'the body is not JSON: set content_type: json at the hook' }
    },
  }
}

function isReading(told: unknown): told is Reading {
  return typeof told === 'object' && told !== null && 'kind' in told && typeof told.kind === 'string'
}

/** A clock that stands at 12:00:00 until a test moves it. */
export function aStandingClock() {
  let passed = 0
  return {
    now: () => at('12:00:00') + passed,
    monotonic: () => passed,
    sleep: async () => undefined,
    pass(ms: number) {
      passed += ms
    },
  } satisfies Clock & { pass(ms: number): void }
}

/** What is recorded stays recorded, once per (instance, id); `broken` makes it fail as a store does that cannot write. */
export function aDeliveryBook() {
  const book = {
    kept: new Map<string, DeliveryRecord>(),
    broken: null as Error | null,
    async recordDelivery(delivery: DeliveryRecord) {
      if (book.broken) throw book.broken
      const key = JSON.stringify([delivery.instance, delivery.id])
      if (book.kept.has(key)) return 'duplicate' as const
      book.kept.set(key, delivery)
      return 'recorded' as const
    },
    all: () => [...book.kept.values()],
  }
  return book
}

/** A log whose lines can be read, as objects. */
export function aLog() {
  const text: string[] = []
  const log = createLog({ scrubber: new Scrubber(), write: (line) => text.push(line) })
  return { log, text, lines: (): Record<string, unknown>[] => text.map((line) => JSON.parse(line)) }
}

/** The public listener with one instance, `main`, that takes at most `maxBody` bytes. */
export function aPublicWorld({ maxBody = 1_000, labels = plainLabels, targets = [aTarget()] } = {}) {
  const clock = aStandingClock()
  const store = aDeliveryBook()
  const metrics = createMetrics()
  const { log, text, lines } = aLog()
  const intakes = new Map<string, Intake>([['main', { name: 'main', forge: aForge(labels), targets, secrets: [] }]])
  const app = publicApp({
    intakes: () => intakes,
    store,
    clock,
    log,
    metrics,
    maxBody: () => maxBody,
    ids: () => 'error-1',
  })

  /** Sends a delivery, rightly signed unless told otherwise. */
  function deliver(reading: Reading | string, init: RequestInit & { to?: string } = {}) {
    const body = typeof reading === 'string' ? reading : JSON.stringify(reading)
    const { to = 'main', ...rest } = init
    const headers = { 'x-signature': 'good', 'content-type': 'application/json', ...init.headers }
    return app.request(`/webhook/${to}`, { method: 'POST', body, ...rest, headers })
  }

  async function counted(): Promise<Record<string, number>> {
    const { values } = await metrics.deliveries.get()
    return Object.fromEntries(values.map(({ labels, value }) => [`${labels.instance} ${labels.result}`, value]))
  }

  return { app, clock, store, intakes, metrics, deliver, counted, text, lines }
}
