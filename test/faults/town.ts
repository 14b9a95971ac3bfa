import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SimulatedJob, SimulatedRunner } from '../../src/simulation/state.ts'
import { type MusterProcess, musterIn, type Surroundings, written } from '../journeys/muster-process.ts'
import type { Stage } from '../journeys/stage.ts'
import { type Behaviour, say, started } from '../journeys/staged-dispatcher.ts'
import type { StagedForge } from '../journeys/staged-forge.ts'
import { until } from '../journeys/until.ts'
import { check, type Findings } from './checker.ts'
import { History, type Row } from './history.ts'

/** What the dispatcher does with one start. */
export type Answered = 'starts' | 'refuses' | 'breaks'

export interface TownOptions {
  name: string
  /** When the dispatcher answers, in milliseconds from now or after something else, and what it does. Default: at once, it starts a runner. */
  dispatcher?: () => { after: number | Promise<void>; does: Answered }
  onShutdown?: 'close' | 'wait'
  /** Milliseconds that a job takes. Without it a job goes on, so that a look sees it run when all events of it were lost. */
  work?: number
  /** Milliseconds. Short, so that a test can wait for what is unknown. */
  bootTimeout?: number
  max?: number
  minIdle?: number
  /** Further keys of the configuration. */
  configuration?: Record<string, unknown>
}

/**
 * A simulated forge, a dispatcher whose runners come soon and take the oldest job, and a service as a process of its own, which a test
 * harms. What happens is kept as a history in `test-output/faults`, and judged from there.
 */
export interface Town {
  readonly forge: StagedForge
  readonly history: History
  readonly stage: Stage
  /** What the dispatcher was asked, by job. */
  readonly starts: readonly string[]
  /** How many deliveries were answered 2xx, and how many runners asked for. */
  readonly progress: number
  /** Jobs that no runner has taken yet. */
  readonly waiting: number
  /** The address of the public listener, before anything listens. */
  readonly hook: string
  /** Waits until the service has made its webhook, from when on the forge tells it of each job. */
  hooked(): Promise<void>
  push(): SimulatedJob
  /** Waits until each job has a runner and nothing is left that could ask for another one, notes what the service lists, and answers the history. */
  settled(service: MusterProcess): Promise<Row[]>
  judge(rows: readonly Row[]): Findings
}

/** Milliseconds until a runner that was asked for takes a job: longer than the dispatcher takes to answer. */
const boot = 150

const output = fileURLToPath(new URL('../../test-output/faults', import.meta.url))

export async function aTown(stage: Stage, options: TownOptions): Promise<Town> {
  const {
    name,
    work,
    bootTimeout = 4_000,
    max = 1_000,
    minIdle = 0,
    onShutdown = 'close',
    configuration = {},
  } = options
  mkdirSync(output, { recursive: true })
  const history = new History(join(output, `${name}.jsonl`))
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const starts: string[] = []
  dispatcher.behave(dispatching({ stage, forge, history, starts, work, how: options.dispatcher }))
  noteDeliveries(forge, history)
  noteJobs(forge, history)
  const target = {
    name: 'linux',
    labels: ['linux'],
    max,
    min_idle: minIdle,
    boot_timeout: `${bootTimeout / 1_000}s`,
    ttl: '10m',
  }
  await written(stage, {
    listen: `127.0.0.1:${stage.port}`,
    admin: { listen: '127.0.0.1:0' },
    state: `sqlite:${stage.folder}/muster.db`,
    dispatcher: { url: dispatcher.url, on_shutdown: onShutdown },
    instances: [forge.instance({ targets: [target] })],
    ...configuration,
  })
  let pushed = 0
  let acknowledged = 0
  forge.courier.onAttempt((_, status) => {
    void status.then((told) => {
      if (told !== null && told < 300) acknowledged++
    })
  })
  return {
    get progress() {
      return acknowledged + starts.length
    },
    get waiting() {
      return forge.world.jobs.takeable(forge.scope).length
    },
    forge,
    history,
    stage,
    starts,
    hook: `http://127.0.0.1:${stage.port}/webhook/${forge.kind}`,
    hooked: async () => void (await until('the webhook is made', () => forge.world.ground.hooks.size === 1)),
    push() {
      const [job] = forge.push({ name: `job-${++pushed}` }) as [SimulatedJob]
      return job
    },
    async settled(this: Town, service) {
      const { adminUrl } = await service.ready()
      await allRun(this)
      // Past this, nothing is taken for a runner that is still to come.
      await stage.clock.sleep(bootTimeout + 500)
      const read = history.invoke('reader', 'read', {})
      read('ok', { jobs: await everyJob(adminUrl) })
      return history.rows()
    },
    // A request is sent some time before it comes.
    judge: (rows) => check(rows, { patience: bootTimeout - 1_000, max }),
  }
}

/** What the checker says of a good history. */
export const nothing: Findings = { lost: [], doubled: [], repeated: [], overfull: [], broken: [] }

/** The service of a town. */
export function service(town: Town, surroundings: Surroundings = {}): MusterProcess {
  return musterIn(town.stage, surroundings)
}

/** Waits until no job waits any more, as long as it takes while it goes on. */
export async function allRun(town: Pick<Town, 'waiting'>): Promise<void> {
  for (let before = town.waiting; before > 0; before = town.waiting)
    await until('one job more runs', () => town.waiting < before)
}

function noteDeliveries({ courier }: StagedForge, history: History): void {
  courier.onAttempt(({ jobId, action, id }, status) => {
    if (action !== 'queued') return
    const end = history.invoke('forge', 'deliver', { job: String(jobId), delivery: id })
    void status.then((told) => {
      // No answer may be a connection that was never made, or one that broke after all was recorded.
      end(told === null ? 'info' : told < 300 ? 'ok' : 'fail', { status: told })
    })
  })
}

function noteJobs({ world }: StagedForge, history: History): void {
  world.watch((happening) => {
    if (happening.kind !== 'job') return
    const { id, status, runner } = happening.job
    const job = String(id)
    if (status === 'queued') history.note('forge', 'queued', { job })
    if (status === 'running') history.note('forge', 'took', { job, runner: runner?.name })
    if (status === 'done') history.note('forge', 'ended', { job })
  })
}

interface Depot {
  stage: Stage
  forge: StagedForge
  history: History
  starts: string[]
  work: number | undefined
  how: TownOptions['dispatcher']
}

function dispatching({ stage, forge, history, starts, work, how }: Depot): Behaviour {
  const idle: SimulatedRunner[] = []
  const workOn = () => {
    for (const runner of idle.splice(0)) {
      const job = forge.take(runner)
      if (job === null) idle.push(runner)
      else if (work !== undefined) setTimeout(() => forge.finish(job), work)
    }
  }
  forge.world.outbox.onPut(workOn)
  // A runner tells the forge all the time that it is at work.
  const { runners } = forge.world.ground
  const beating = setInterval(() => {
    for (const runner of runners.values())
      if (runner.goneAt === null) Object.assign(runner, { contactAt: stage.clock.now(), reportAt: stage.clock.now() })
  }, 3_000)
  stage.onEnd(() => clearInterval(beating))
  const wait = (after: number | Promise<void>) => (typeof after === 'number' ? stage.clock.sleep(after) : after)
  let came = 0
  return async ({ job: asked, headers }, answer) => {
    const job = String(asked?.split('/')[1])
    starts.push(job)
    const end = history.invoke('dispatcher', 'start', { job, key: headers['idempotency-key'] })
    const { after, does } = how?.() ?? { after: 0, does: 'starts' }
    if (does === 'starts') {
      const runner = forge.runner(`cloud-${++came}`)
      end('ok', { runner: runner.name })
      setTimeout(() => {
        idle.push(runner)
        workOn()
      }, boot)
      await wait(after)
      return started(answer, runner.name)
    }
    await wait(after)
    end(does === 'refuses' ? 'fail' : 'info')
    if (does === 'refuses') say(answer, 503, { error: 'no room' })
    else answer.destroy()
  }
}

/** The ids of all jobs that the service knows, page by page. */
async function everyJob(adminUrl: string): Promise<string[]> {
  const ids: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const answer = await fetch(`${adminUrl}/api/v1/jobs?limit=500${query}`)
    const page: { items: { id: string }[]; next: string | null } = JSON.parse(await answer.text())
    ids.push(...page.items.map(({ id }) => id))
    cursor = page.next
  }
  return ids
}
