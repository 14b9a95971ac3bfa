import type { JobState, ToldJob } from '../../../src/core/job.ts'
import type { LabelRules } from '../../../src/core/labels.ts'
import type { SeenRunner } from '../../../src/core/runner.ts'
import { ForgeUnreachable } from '../../../src/forges/errors.ts'
import type { Forge } from '../../../src/forges/forge.ts'
import type { Choices } from '../../../src/simulation/choices.ts'
import { aToldJob } from '../../support/builders.ts'
import { giteaRules } from '../../support/snapshot.ts'
import type { Agenda } from './agenda.ts'
import type { Setting } from './setting.ts'
import type { Town, TownJob } from './town.ts'

export const labelRules: LabelRules = giteaRules

/** What the forge's API is like today, and what was asked of it. */
export interface ForgeDesk {
  forge: Forge
  /** While true, calls fail and lists are cut short as the tape says. */
  faulty: boolean
  calls: { jobs: number; runners: number }
  told(job: TownJob, state: TownJob['state'], runner: string | null): ToldJob
}

const states: Record<TownJob['state'], JobState> = { queued: 'queued', running: 'running', done: 'finished' }

export function createForgeDesk(
  town: Town,
  agenda: Agenda,
  setting: Setting,
  draw: Choices,
  violation: (what: string) => void,
): ForgeDesk {
  const { lists, namesRunners, handles, lags } = setting
  const pause = (ms: number) => new Promise<void>((resolve) => void agenda.in(ms, resolve))

  /** A call takes its time, and may fail. */
  async function call(name: string): Promise<'whole' | 'cut'> {
    const fate = desk.faulty && setting.faults.forge ? draw(8) : 0
    await pause(fate === 3 ? 8_000 : 50)
    if (fate === 1) throw new ForgeUnreachable(name, 'the simulated forge is away')
    return fate === 2 ? 'cut' : 'whole'
  }

  function told(job: TownJob, state: TownJob['state'], runner: string | null): ToldJob {
    return aToldJob({
      id: job.id,
      attempt: handles ? job.attempt : null,
      handle: handles ? town.handleOf(job) : null,
      state: states[state],
      conclusion: state === 'done' ? job.conclusion : null,
      labels: job.labels,
      runnerName: namesRunners ? runner : null,
      queuedAt: job.queuedAt,
      startedAt: null,
      finishedAt: null,
    })
  }

  const desk: ForgeDesk = {
    faulty: true,
    calls: { jobs: 0, runners: 0 },
    told,
    forge: {
      kind: setting.kind,
      labels: labelRules,
      rounds: setting.rounds,
      read: async () => ({ kind: 'unauthorized' }),
      probe: async () => ({
        version: 'simulated',
        ...lists,
        jobEvents: setting.tells === 'jobs',
        hooks: true,
        registration: 'each',
        recovers: false,
      }),
      async jobs() {
        desk.calls.jobs++
        const quality = await call('GET jobs')
        if (!lists.jobs) return null
        const asOf = agenda.now - (lags && desk.faulty ? 1_000 * draw(20) : 0)
        const rows = [...town.jobs.values()].flatMap((job) => {
          const then = job.history.findLast(({ at }) => at <= asOf)
          return then && then.state !== 'done' ? [told({ ...job, attempt: then.attempt }, then.state, then.runner)] : []
        })
        return quality === 'cut'
          ? { complete: false, filter: null, jobs: rows.slice(0, 1) }
          : { complete: true, filter: null, jobs: rows }
      },
      async runners() {
        desk.calls.runners++
        const quality = await call('GET runners')
        if (!lists.runners) return null
        const rows = town.live
          .filter(({ state, registered }) => registered && state !== 'booting')
          .map(
            ({ id, name, labels, state, ephemeral }): SeenRunner => ({
              id,
              name,
              labels,
              state: state === 'busy' ? 'busy' : 'idle',
              ephemeral,
            }),
          )
        return quality === 'cut' ? { complete: false, runners: rows.slice(0, 1) } : { complete: true, runners: rows }
      },
      async register({ name, handle }) {
        await call(`POST runner ${name}`)
        return { kind: 'forgejo', url: 'http://forge', uuid: name, token: 'a credential', handle }
      },
      async unregister({ id, name }) {
        await call(`DELETE runner ${name}`)
        const runner = town.live.find((one) => one.id === id)
        if (!runner) return 'removed'
        if (runner.dispatch === null) violation(`the stranger ${name} was unregistered`)
        if (runner.state === 'busy') return 'busy'
        runner.registered = false
        return 'removed'
      },
    },
  }
  return desk
}
