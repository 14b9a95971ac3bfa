import type { JobState, ToldJob } from '../../../src/core/job.ts'
import { comparable } from '../../../src/core/labels.ts'
import type { JobList } from '../../../src/core/look.ts'
import type { SeenRunner } from '../../../src/core/runner.ts'
import { ForgeLimited, ForgeRefused, ForgeUnreachable } from '../../../src/forges/errors.ts'
import type { Forge, Recovered } from '../../../src/forges/forge.ts'
import type { SimulatedJob, SimulatedRunner } from '../../../src/simulation/state.ts'
import type { Agenda } from './agenda.ts'
import type { Post } from './post.ts'
import type { Reached } from './reached.ts'
import type { Setting } from './setting.ts'
import type { Tape } from './tape.ts'
import type { Told } from './told.ts'
import { place, repository, type Town } from './town.ts'

export interface DeskWorld {
  town: Town
  agenda: Agenda
  setting: Setting
  tape: Tape
  told: Told
  reached: Reached
  post: Post
  violation: (what: string) => void
}

const second = 1_000

const states: Record<SimulatedJob['status'], JobState> = {
  blocked: 'waiting',
  waiting: 'waiting',
  queued: 'queued',
  running: 'running',
  done: 'finished',
}

/** A job as this forge's deliveries and lists tell of it, in our words: what the adapters read out of the dialects of `src/simulation/http`. */
export function toldOf(job: SimulatedJob, { dialect }: Setting): ToldJob {
  const state = states[job.status]
  const begun = state === 'running' || state === 'finished'
  const hasTimes = dialect.version.kind !== 'forgejo'
  return {
    id: String(job.id),
    attempt: dialect.handles ? job.attempt : null,
    handle: dialect.handles ? job.handle : null,
    state,
    conclusion: state === 'finished' ? job.conclusion : null,
    name: job.name,
    labels: job.labels,
    repository,
    repositoryId: '1',
    runId: String(job.runId),
    url: null,
    runnerName: begun && dialect.namesRunners ? (job.runner?.name ?? null) : null,
    queuedAt: hasTimes ? job.createdAt : null,
    startedAt: hasTimes && begun ? job.startedAt : null,
    finishedAt: hasTimes ? job.completedAt : null,
  }
}

/** The forge's API, as the service finds it: it takes its time, fails, is cut short, lags and lies as the tape says. */
export class Desk {
  /** While true, it fails as the tape says. */
  faulty = true
  calls = { jobs: 0, runners: 0 }
  readonly forge: Forge
  readonly #world: DeskWorld
  /** Down, or refusing everybody, until then. */
  #shutUntil = 0
  #shutBy: 'down' | 'unauthorized' | 'limited' = 'down'
  /** By job: every state that it was in, where lists show the past. */
  readonly #past = new Map<number, { at: number; job: SimulatedJob }[]>()

  constructor(world: DeskWorld) {
    this.#world = world
    const { dialect } = world.setting
    if (dialect.lag > 0)
      world.town.forge.watch((happening) => {
        if (happening.kind !== 'job') return
        const past = this.#past.get(happening.job.id) ?? []
        past.push({ at: world.agenda.now, job: happening.job })
        this.#past.set(happening.job.id, past)
      })
    const recovering = dialect.recovers ? { recover: this.#recover.bind(this) } : {}
    this.forge = {
      kind: dialect.version.kind,
      labels: dialect.labels,
      rounds: dialect.rounds,
      read: async () => ({ kind: 'unauthorized' }),
      probe: async () => {
        await this.#call('GET version')
        const registration = dialect.registration
        return {
          version: 'simulated',
          ...dialect.lists,
          jobEvents: dialect.tells === 'jobs',
          hooks: true,
          registration,
          recovers: dialect.recovers,
        }
      },
      jobs: (query) => this.#jobs(query.labels),
      runners: () => this.#runners(),
      register: (request) => this.#register(request),
      unregister: (runner) => this.#unregister(runner),
      ...recovering,
    }
  }

  /** A call takes its time, and may fail. `cut`: it answers with a part of it. */
  async #call(name: string): Promise<'whole' | 'cut'> {
    const { tape, setting, agenda, reached } = this.#world
    const fate = this.faulty && setting.faults.forge > 0 ? tape.draw(256) : 0
    const isHit = fate >= 256 - 16 * setting.faults.forge
    const kind = isHit ? 1 + tape.draw(7) : 0
    await this.#pause(kind === 1 ? 8 * second : kind === 2 ? 25 * second : [50, 5, 400][tape.draw(3)]!)
    if (kind === 1 || kind === 2) reached.note('forge: slow')
    if (kind === 4) this.#shut('down', [second, 30 * second, 5 * 60 * second][tape.draw(3)]!)
    if (kind === 5) this.#shut('unauthorized', 30 * second)
    if (kind === 6) this.#shut('limited', [10 * second, 60 * second][tape.draw(2)]!)
    if (this.faulty && agenda.now < this.#shutUntil) this.#refuse(name)
    if (kind === 3) reached.note('forge: a list is cut short')
    return kind === 3 ? 'cut' : 'whole'
  }

  #shut(by: 'down' | 'unauthorized' | 'limited', ms: number): void {
    this.#shutUntil = this.#world.agenda.now + ms
    this.#shutBy = by
  }

  #refuse(name: string): never {
    this.#world.reached.note(`forge: ${this.#shutBy}`)
    if (this.#shutBy === 'unauthorized') throw new ForgeRefused(name, 401, 'the token is not known')
    if (this.#shutBy === 'limited') throw new ForgeLimited(name, this.#world.agenda.now + 10 * second)
    throw new ForgeUnreachable(name, 'the simulated forge is away')
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#world.agenda.in(ms, resolve))
  }

  /** The list is made when the question arrives, and answered later. */
  async #jobs(labels: readonly string[]): Promise<JobList | null> {
    const { town, told, setting, agenda, reached } = this.#world
    this.calls.jobs++
    const { dialect } = setting
    const askedAt = agenda.now
    const quality = await this.#call('GET jobs')
    if (!dialect.lists.jobs) return null
    town.sweep()
    const filter = dialect.filters ? labels : null
    const rows = this.#listed()
      .filter(
        (job) => filter === null || job.labels.every((label) => filter.includes(comparable(label, dialect.labels))),
      )
      .map((job) => toldOf(job, setting))
    const jobs = quality === 'cut' ? rows.slice(0, Math.max(0, rows.length - 1) >> 1) : rows
    const complete = quality !== 'cut'
    told.list(jobs, complete, filter, askedAt)
    if (jobs.length > 0) reached.note('look: jobs are listed')
    return { complete, filter, jobs }
  }

  #listed(): SimulatedJob[] {
    const { town, setting, agenda, tape, reached } = this.#world
    const lag = this.faulty && setting.dialect.lag > 0 ? tape.draw(21) * second : 0
    const asOf = agenda.now - lag
    const all = town.jobs.filter(({ latest }) => latest)
    const then =
      lag === 0 ? all : all.flatMap(({ id }) => this.#past.get(id)?.findLast(({ at }) => at <= asOf)?.job ?? [])
    if (lag > 0) reached.note('forge: a list lags')
    return then.filter(({ status }) => status === 'queued' || status === 'running')
  }

  async #runners() {
    const { town, told, setting, agenda } = this.#world
    this.calls.runners++
    const askedAt = agenda.now
    const quality = await this.#call('GET runners')
    if (!setting.dialect.lists.runners) return null
    town.sweep()
    const rows = town.forge.runners.of(place, 'own').map((runner): SeenRunner => this.#seen(runner))
    const runners = quality === 'cut' ? rows.slice(0, Math.max(0, rows.length - 1) >> 1) : rows
    const complete = quality !== 'cut'
    told.runners(runners, complete, askedAt)
    return { complete, runners }
  }

  #seen(runner: SimulatedRunner): SeenRunner {
    const { town, setting } = this.#world
    const { id, name, labels, ephemeral } = runner
    const online = town.forge.runners.isOnline(runner)
    const state = !online ? 'offline' : this.#looksBusy(runner) ? 'busy' : 'idle'
    return {
      id: String(id),
      name,
      labels,
      state,
      ephemeral: setting.dialect.version.kind === 'forgejo' ? null : ephemeral,
    }
  }

  /** Forgejo and Gitea call idle what wrote nothing for 10 s, GitHub what began less than a minute ago, and now and then what works. */
  #looksBusy(runner: SimulatedRunner): boolean {
    const { setting, tape, reached, agenda } = this.#world
    if (runner.jobId === null) return false
    // What has just begun has just reported.
    const isFresh = setting.dialect.version.kind !== 'github' && agenda.now - this.#beganAt(runner) < 10 * second
    const lies = this.faulty && !isFresh && setting.faults.lies && tape.draw(4) === 3
    if (lies) reached.note('forge: a runner at work is shown as idle')
    return !lies
  }

  #beganAt({ jobId }: SimulatedRunner): number {
    return this.#world.town.forge.ground.jobs.get(jobId ?? 0)?.startedAt ?? 0
  }

  async #register({ name, labels, handle }: { name: string; labels: readonly string[]; handle: string | null }) {
    const { town, setting, reached, told, agenda } = this.#world
    told.credentialAt.set(name, agenda.now)
    await this.#call('POST runner')
    if (setting.dialect.registration === 'shared')
      return { kind: 'registration-token' as const, forge: 'forgejo' as const, url: 'http://forge', token: 'shared' }
    const { implied } = setting.dialect.labels
    const made = town.forge.runners.register({
      scope: place,
      name,
      labels: [...new Set([...implied, ...labels])],
      ephemeral: true,
    })
    if (handle !== null) reached.note('a runner is bound by a handle')
    return { kind: 'forgejo' as const, url: 'http://forge', uuid: made.uuid, token: made.token, handle }
  }

  async #unregister({ id, name }: { id: string; name: string }): Promise<'removed' | 'busy'> {
    const { town, setting, told, reached, violation } = this.#world
    await this.#call('DELETE runner')
    town.sweep()
    const runner = town.forge.runners.of(place, 'own').find((one) => String(one.id) === id && one.name === name)
    if (!runner) return 'removed'
    const real = town.runners.find(({ registration }) => registration === runner)
    if (real?.dispatch === null) violation(`the stranger ${name} was unregistered`)
    if (real && real.state !== 'dead' && real.state !== 'booting') told.mayRemove(real, violation)
    const isBusy = setting.dialect.protectsBusy ? runner.jobId !== null : this.#looksBusy(runner)
    if (isBusy) {
      reached.note('forge: a busy runner is not removed')
      return 'busy'
    }
    // These forges remove a runner at work without a word, and call one idle whose job is quiet: nobody could know better.
    const isQuiet = !setting.dialect.protectsBusy && setting.faults.lies
    if (real?.state === 'busy' && !real.ending && !isQuiet) violation(`the busy runner ${name} was unregistered`)
    town.forge.runners.remove(runner)
    reached.note('runner: an idle one is removed')
    return 'removed'
  }

  async #recover({
    received,
  }: {
    received: (ids: readonly string[]) => Promise<ReadonlySet<string>>
  }): Promise<Recovered> {
    const { post, reached, told: heard } = this.#world
    await this.#call('GET deliveries')
    const failed = post.failed()
    const have = await received(failed.map(({ id }) => id))
    const lost = failed.filter(({ id }) => !have.has(id))
    if (lost.length > 0) reached.note('deliveries: read back')
    for (const { id, told } of lost) heard.arrives(id, told)
    const readings = lost.map(({ id, told }) => ({
      kind: 'jobs' as const,
      id,
      event: 'workflow_job',
      secret: null,
      jobs: [told],
    }))
    return { readings, watermark: String(this.#world.agenda.now), gap: false }
  }
}
