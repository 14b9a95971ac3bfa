import { Hono } from 'hono'
import { onTestFinished } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { createSimulatedForge, type SimulatedForge, type SimulatedForgeOptions } from '../../src/simulation/forge.ts'
import type { Courier } from '../../src/simulation/http/deliver.ts'
import { listen } from '../../src/simulation/http/site.ts'
import type { Happening, SimulatedRunner } from '../../src/simulation/state.ts'
import type { ForgeVersion } from '../../src/simulation/versions.ts'
import { openSite, type SiteSettings } from '../../src/simulation/world.ts'
import type { Spec } from './specs.ts'

/** A clock that stands still until a test moves it. Sleepers wake when their time has come. */
export interface HandClock extends Clock {
  pass(ms: number): void
}

export function handClock(start = '2026-03-01T12:00:00Z'): HandClock {
  let now = Date.parse(start)
  let sleepers: { until: number; wake: () => void }[] = []
  return {
    now: () => now,
    monotonic: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        sleepers.push({ until: now + ms, wake: resolve })
        signal?.addEventListener('abort', () => resolve(), { once: true })
      }),
    pass(ms) {
      now += ms
      const due = sleepers.filter(({ until }) => until <= now)
      sleepers = sleepers.filter(({ until }) => until > now)
      for (const { wake } of due) wake()
    },
  }
}

/** Ids that are the same in every run of a test. */
export function countedIds(prefix = 'id'): () => string {
  let count = 0
  return () => `${prefix}${String(++count).padStart(14, '0')}`
}

export const repository = 'harbour/lighthouse'
export const repositoryScope = { level: 'repository', owner: 'harbour', name: 'lighthouse' } as const

/** A simulated forge as a bare state machine, with one repository of an organization, and what it told. */
export function aForge(version: ForgeVersion, over: Partial<SimulatedForgeOptions> = {}) {
  const clock = handClock()
  const repositories = [{ owner: 'harbour', name: 'lighthouse' }]
  const forge = createSimulatedForge({ version, clock, ids: countedIds(), repositories, ...over })
  const told: Happening[] = []
  forge.watch((happening) => told.push(happening))
  return { forge, clock, told }
}

/** A runner that has joined, and offers these labels. */
export function joinedRunner(
  { runners }: SimulatedForge,
  labels: readonly string[] = ['linux'],
  over: Partial<Parameters<SimulatedForge['runners']['register']>[0]> = {},
): SimulatedRunner {
  const runner = runners.register({ scope: repositoryScope, name: 'runner-1', labels, ephemeral: true, ...over })
  runners.contact(runner)
  return runner
}

export interface OpenForge {
  forge: SimulatedForge
  clock: Clock
  url: string
  token: string
  courier: Courier
  /** One call with the token; `body` is sent as JSON. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
}

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever JSON came.
  json: any
}

/** A simulated forge that listens and delivers, until the test ends. */
export async function openForge(
  version: ForgeVersion,
  over: Partial<SimulatedForgeOptions> & { clock?: Clock } & SiteSettings = {},
): Promise<OpenForge> {
  const clock = over.clock ?? systemClock
  const { forge } = aForge(version, { ...over, clock })
  const token = 'a-token-of-the-simulated-forge'
  const { url, courier, close } = await openSite(forge, clock, token, over)
  onTestFinished(close)
  return {
    forge,
    clock,
    url,
    token,
    courier,
    async call(method, path, body, headers = {}) {
      const answer = await fetch(url + path, {
        method,
        headers: { authorization: `token ${token}`, 'content-type': 'application/json', ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await answer.text()
      return { status: answer.status, headers: answer.headers, json: text === '' ? undefined : JSON.parse(text) }
    },
  }
}

/** Makes one call, and says what of it the forge's own description does not know. */
export async function violationsOf(
  { call, url }: OpenForge,
  spec: Spec,
  method: string,
  path: string,
  sent?: unknown,
): Promise<string[]> {
  const { status, json } = await call(method, path, sent)
  return spec.violations({ method, url: new URL(url + path), sent, status, answered: json })
}

export interface Received {
  headers: Headers
  /** The raw body as text. */
  body: string
}

/** An HTTP server that takes every delivery, until the test ends. `until` resolves when so many have come. */
export async function receiver(answer: 202 | 500 = 202) {
  const received: Received[] = []
  const waiting: { count: number; wake: (all: Received[]) => void }[] = []
  const app = new Hono()
  app.post('*', async (c) => {
    received.push({ headers: c.req.raw.headers, body: await c.req.text() })
    for (const { count, wake } of waiting) if (received.length >= count) wake(received)
    return c.body(null, answer)
  })
  const { url, close } = await listen(app.fetch)
  onTestFinished(close)
  return {
    url: `${url}/webhook/main`,
    received,
    until: (count: number) =>
      new Promise<Received[]>((resolve) => {
        if (received.length >= count) resolve(received)
        else waiting.push({ count, wake: resolve })
      }),
  }
}
