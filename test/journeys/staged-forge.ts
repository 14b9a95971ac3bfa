import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../../src/clock.ts'
import type { Scope } from '../../src/core/scope.ts'
import { createSimulatedForge, type SimulatedForge } from '../../src/simulation/forge.ts'
import { type Courier, signed } from '../../src/simulation/http/deliver.ts'
import type { WrittenJob } from '../../src/simulation/jobs.ts'
import type { Delivery } from '../../src/simulation/outbox.ts'
import type { SimulatedJob, SimulatedRunner } from '../../src/simulation/state.ts'
import type { ForgeVersion } from '../../src/simulation/versions.ts'
import { openSite, type SiteSettings } from '../../src/simulation/world.ts'
import type { Canaries } from '../support/canaries.ts'
import { until } from './until.ts'

/** What a forge does with a request: answers it, accepts it and never answers, breaks the connection, answers 503, or what a test makes up. */
export type Temper =
  | 'answers'
  | 'hangs'
  | 'breaks'
  | 'fails'
  | ((request: IncomingMessage, answer: ServerResponse) => void)

/** A simulated forge that the service reaches through a gate, which keeps account of its requests and can lose its temper. */
export interface StagedForge {
  readonly kind: ForgeVersion['kind']
  readonly world: SimulatedForge
  readonly url: string
  readonly token: string
  readonly secret: string
  readonly scope: Scope
  readonly courier: Courier
  /** `GET /api/v1/…`, oldest first: what the service asked. */
  readonly requests: string[]
  /** Those of them that may have changed something. */
  readonly writes: readonly string[]
  /** Runners that are registered. */
  readonly runners: readonly SimulatedRunner[]
  temper: Temper
  /** Queues jobs, for the label `linux` unless they say otherwise. */
  push(...jobs: Partial<WrittenJob>[]): SimulatedJob[]
  /** Loses the next webhook that calls a job queued. */
  loseNext(): void
  /** Brings a runner of nobody's, which takes what it can get. */
  runner(name: string, labels?: readonly string[]): SimulatedRunner
  /** Lets such a runner take the oldest job that fits it; null when there is none. */
  take(runner: SimulatedRunner): SimulatedJob | null
  finish(job: SimulatedJob): void
  /** Deliveries that speak of a job, oldest first; without a job all. */
  deliveries(job?: SimulatedJob): Delivery[]
  /** Delivers once more what was delivered before, under the same id or a fresh one. */
  redeliver(delivery: Delivery, id?: string): Promise<{ status: number; body: unknown }>
  /** An entry of `instances` for this forge. */
  instance(over?: Record<string, unknown>): Record<string, unknown>
  close(): Promise<void>
}

export interface StagedForgeOptions {
  clock: Clock
  canaries: Canaries
  /** Of the service, for the address of the webhook. */
  port: number
  name?: string
  settings?: SiteSettings
}

const home = { owner: 'harbour', name: 'lighthouse' }

/** `self-hosted` is what tells our jobs from GitHub's own. */
export function jobLabels(kind: ForgeVersion['kind'], ...more: string[]): string[] {
  return [...(kind === 'github' ? ['self-hosted'] : []), 'linux', ...more]
}

export async function stagedForge(version: ForgeVersion, options: StagedForgeOptions): Promise<StagedForge> {
  const { clock, canaries, port, name = version.kind, settings = {} } = options
  const ids = () => randomUUID().replaceAll('-', '')
  const repositories = [home, { owner: 'harbour', name: 'breakwater' }]
  const world = createSimulatedForge({ version, clock, ids, repositories })
  const token = canaries.add(`token-of-${name}-${ids()}`)
  const secret = canaries.add(`secret-of-${name}-${ids()}`)
  const scope: Scope = { level: 'repository', ...home }
  const site = await openSite(world, clock, token, settings)
  const gate = await openGate(site.url, canaries)
  world.watch((happening) => {
    if (happening.kind === 'runner') canaries.add(happening.runner.token)
  })

  return {
    kind: version.kind,
    world,
    url: gate.url,
    token,
    secret,
    scope,
    courier: site.courier,
    requests: gate.requests,
    get writes() {
      return gate.requests.filter((one) => !one.startsWith('GET '))
    },
    get runners() {
      return [...world.ground.runners.values()].filter(({ goneAt }) => goneAt === null)
    },
    get temper() {
      return gate.temper
    },
    set temper(temper) {
      gate.temper = temper
    },
    push(...jobs) {
      const run = world.jobs.push({
        repository: `${home.owner}/${home.name}`,
        jobs: jobs.map((job, index) => ({ name: `job-${index + 1}`, labels: jobLabels(version.kind), ...job })),
      })
      return world.jobs.ofRun(run.id)
    },
    loseNext() {
      const queued = version.kind === 'forgejo' ? 'waiting' : 'queued'
      world.outbox.order({ kind: 'lose', matches: ({ jobId, action }) => jobId !== null && action === queued })
    },
    runner(name, labels = jobLabels(version.kind)) {
      const runner = world.runners.register({ scope, name, labels, ephemeral: true })
      world.runners.contact(runner)
      return runner
    },
    take: (runner) => world.runners.fetch(runner),
    finish: (job) => world.jobs.finish(job, 'success'),
    deliveries: (job) => world.outbox.made.filter(({ jobId }) => job === undefined || jobId === job.id),
    async redeliver(delivery, id = delivery.id) {
      const hook = await until('the hook is there', () => world.ground.hooks.get(delivery.hookId))
      const { url, headers, body } = signed(world, { ...delivery, id }, hook)
      const answer = await fetch(url, { method: 'POST', headers, body })
      return { status: answer.status, body: await answer.json() }
    },
    instance: (over = {}) => ({
      name,
      [version.kind]: { base_url: gate.url, token },
      scope,
      poll_interval: '2s',
      reconcile_interval: '4s',
      webhook_grace: '8s',
      webhook_secret: secret,
      webhook: { url: `http://127.0.0.1:${port}/webhook/${name}` },
      targets: [{ name: 'linux', labels: ['linux'] }],
      ...over,
    }),
    async close() {
      await gate.close()
      await site.close()
    },
  }
}

/** Passes every request on to the site behind it, and notes the credentials that come back. */
async function openGate(site: string, canaries: Canaries) {
  const gate = { url: '', requests: [] as string[], temper: 'answers' as Temper }
  const server = createServer((incoming, outgoing) => {
    gate.requests.push(`${incoming.method} ${incoming.url}`)
    if (typeof gate.temper === 'function') return gate.temper(incoming, outgoing)
    switch (gate.temper) {
      case 'answers':
        return passOn(site, incoming, outgoing, canaries)
      case 'breaks':
        return void incoming.socket.destroy()
      case 'fails':
        return void outgoing.writeHead(503).end()
      case 'hangs':
        return
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  gate.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(gate, {
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  })
}

function passOn(site: string, incoming: IncomingMessage, outgoing: ServerResponse, canaries: Canaries): void {
  const { method, headers, url = '' } = incoming
  const call = request(site + url, { method, headers }, async (answer) => {
    const body = Buffer.concat(await answer.toArray())
    for (const credential of credentialsIn(body.toString())) canaries.add(credential)
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers).end(body)
  })
  call.on('error', () => outgoing.destroy())
  incoming.pipe(call)
}

/** Tokens and configurations that make a runner. */
function credentialsIn(body: string): string[] {
  return [...body.matchAll(/"(?:token|encoded_jit_config)":\s*"([^"]{8,})"/g)].map(([, value]) => value ?? '')
}
