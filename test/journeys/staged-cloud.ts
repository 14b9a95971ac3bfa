import type { Clock } from '../../src/clock.ts'
import type { SimulatedJob, SimulatedRunner } from '../../src/simulation/state.ts'
import { type DispatchCall, type StagedDispatcher, stagedDispatcher, started } from './staged-dispatcher.ts'
import type { StagedForge } from './staged-forge.ts'

/** Milliseconds by the clock of the stage. */
export interface CloudOptions {
  /** From the request until the runner joins. Default 1 s. */
  boot?: number
  /** A runner that gets no job for so long gives up. Default 10 min. */
  patience?: number
}

/** A dispatcher behind which runners live: each joins the forge, takes one job, works as long as that lasts, and is gone. */
export interface StagedCloud extends Pick<StagedDispatcher, 'url' | 'calls'> {
  /** Runners whose machine is there: those that wait and those that work. */
  readonly alive: readonly SimulatedRunner[]
  close(): Promise<void>
}

/** How often a runner that waits asks for a job, and one that works says so. */
const question = 1_000
const report = 5_000

export async function stagedCloud(
  forge: StagedForge,
  clock: Clock,
  { boot = 1_000, patience = 10 * 60_000 }: CloudOptions = {},
): Promise<StagedCloud> {
  const dispatcher = await stagedDispatcher()
  const ending = new AbortController()
  const alive = new Set<SimulatedRunner>()
  const lives: Promise<void>[] = []
  const { runners } = forge.world

  dispatcher.behave((call, answer) => {
    const name = `cloud-${dispatcher.calls.length}`
    lives.push(live(name, labelsOf(call)))
    started(answer, name)
  })

  async function live(name: string, labels: readonly string[]): Promise<void> {
    await clock.sleep(boot, ending.signal)
    if (ending.signal.aborted) return
    const runner = forge.runner(name, forge.kind === 'github' ? ['self-hosted', ...labels] : labels)
    alive.add(runner)
    const job = await taken(runner)
    if (job) await work(runner, job)
    // Who gives up takes his registration along; a Forgejo that knows no ephemeral runners keeps that of one who worked.
    else runners.remove(runner)
    alive.delete(runner)
  }

  async function taken(runner: SimulatedRunner): Promise<SimulatedJob | null> {
    const giveUpAt = clock.now() + patience
    while (!ending.signal.aborted && runner.goneAt === null && clock.now() < giveUpAt) {
      runners.contact(runner)
      const job = forge.take(runner)
      if (job) return job
      await clock.sleep(question, ending.signal)
    }
    return null
  }

  async function work(runner: SimulatedRunner, job: SimulatedJob): Promise<void> {
    const task = job.taskId
    const end = clock.now() + job.duration
    while (!ending.signal.aborted && clock.now() < end) {
      runners.contact(runner)
      if (runners.report(runner, task, 'working') !== 'working') return
      await clock.sleep(Math.min(report, end - clock.now()), ending.signal)
    }
    if (!ending.signal.aborted) runners.report(runner, task, job.willEnd)
  }

  return {
    url: dispatcher.url,
    calls: dispatcher.calls,
    get alive() {
      return [...alive]
    },
    async close() {
      ending.abort()
      await Promise.all(lives)
      await dispatcher.close()
    },
  }
}

function labelsOf({ body }: DispatchCall): string[] {
  return Array.isArray(body.labels) ? body.labels.map(String) : []
}
