import type { Scope } from '../core/scope.ts'
import type { Jobs } from './jobs.ts'
import { covers, type Ground, type SimulatedJob, type SimulatedRunner, sameScope } from './state.ts'

export interface Registration {
  scope: Scope
  name: string
  labels: readonly string[]
  ephemeral: boolean
  description?: string
}

/** What a runner says of its task: nothing new yet, or how it ended. */
export type Report = 'working' | 'success' | 'failure' | 'cancelled'

/** Registered runners, and who gets which job. */
export interface Runners {
  register(registration: Registration): SimulatedRunner
  /** The runner that bears these, unless it is gone. */
  authenticate(uuid: string, token: string): SimulatedRunner | null
  /** A call of the runner itself; the first one connects it. */
  contact(runner: SimulatedRunner, told?: { labels?: readonly string[]; version?: string }): void
  /** Gives the oldest fitting queued job, or none. With a handle: that attempt or nothing. */
  fetch(runner: SimulatedRunner, handle?: string): SimulatedJob | null
  /** Answers how the forge sees the task: `working`, or how it ended. */
  report(runner: SimulatedRunner, taskId: number, report: Report): Report
  /** `busy` when the forge refuses because it works. */
  remove(runner: SimulatedRunner, options?: { evenBusy: boolean }): 'removed' | 'busy'
  /** Runners that are not gone, oldest first: those of exactly this scope, or all that may serve in it. */
  of(scope: Scope, which?: 'own' | 'usable'): SimulatedRunner[]
  isOnline(runner: SimulatedRunner): boolean
  /** What Forgejo and Gitea call busy: a report in the last 10 s. */
  isReporting(runner: SimulatedRunner): boolean
  /** The current reusable registration token of a scope. */
  registrationToken(scope: Scope): string
  scopeOfToken(token: string): Scope | null
  /** What time alone brings about: tasks that nobody reports on, jobs that nobody takes, registrations that nobody uses. */
  sweep(): void
}

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
/** A runner that did not call for so long is offline. */
const offlineAfter = minute
/** A task that nobody reports on for so long fails. */
const zombieAfter = 10 * minute
/** A job that nobody takes for so long is cancelled. */
const abandonedAfter = 24 * hour

export function createRunners(ground: Ground, jobs: Jobs): Runners {
  const { traits, clock, runners } = ground
  const tokens: { token: string; scope: Scope }[] = []
  const fold = (label: string) => (traits.foldCase ? label.toLowerCase() : label)
  const live = () => [...runners.values()].filter(({ goneAt }) => goneAt === null)

  function fits(job: SimulatedJob, runner: SimulatedRunner): boolean {
    if (job.labels.length === 0) return traits.unlabelled === 'anywhere'
    const offered = new Set(runner.labels.map(fold))
    return job.labels.every((label) => offered.has(fold(label)))
  }

  function leave(runner: SimulatedRunner): void {
    if (runner.goneAt !== null) return
    runner.goneAt = clock.now()
    ground.tell({ kind: 'runner', runner, change: 'gone' })
  }

  jobs.onDone((job) => {
    const runner = job.runner && runners.get(job.runner.id)
    if (!runner || runner.jobId !== job.id) return
    runner.jobId = null
    if (runner.ephemeral) leave(runner)
  })

  return {
    register({ scope, name, labels, ephemeral, description = '' }) {
      const runner: SimulatedRunner = {
        id: ground.next('runner'),
        uuid: ground.uuid(),
        token: ground.token(),
        name,
        description,
        labels,
        scope,
        ephemeral: ephemeral && traits.ephemeral,
        disabled: false,
        version: '',
        registeredAt: clock.now(),
        contactAt: null,
        reportAt: null,
        jobId: null,
        taken: 0,
        goneAt: null,
      }
      runners.set(runner.id, runner)
      ground.tell({ kind: 'runner', runner, change: 'registered' })
      return runner
    },
    authenticate: (uuid, token) => live().find((runner) => runner.uuid === uuid && runner.token === token) ?? null,
    contact(runner, { labels, version } = {}) {
      const first = runner.contactAt === null
      runner.contactAt = clock.now()
      runner.labels = labels ?? runner.labels
      runner.version = version ?? runner.version
      if (first) ground.tell({ kind: 'runner', runner, change: 'connected' })
    },
    fetch(runner, handle) {
      if (runner.disabled || runner.jobId !== null || (runner.ephemeral && runner.taken > 0)) return null
      const offered = jobs.takeable(runner.scope).filter((job) => fits(job, runner))
      const job = handle === undefined ? offered[0] : offered.find((one) => one.handle === handle)
      if (!job) return null
      runner.jobId = job.id
      runner.taken++
      runner.reportAt = clock.now()
      jobs.start(job, runner)
      return job
    },
    report(runner, taskId, report) {
      runner.reportAt = clock.now()
      const job = [...ground.jobs.values()].find((one) => one.taskId === taskId && one.runner?.id === runner.id)
      if (!job) return 'cancelled'
      if (job.status === 'running' && report !== 'working') jobs.finish(job, report)
      if (job.status === 'running') return 'working'
      return job.conclusion === 'success' || job.conclusion === 'failure' ? job.conclusion : 'cancelled'
    },
    remove(runner, { evenBusy } = { evenBusy: true }) {
      if (runner.jobId !== null && !evenBusy) return 'busy'
      leave(runner)
      return 'removed'
    },
    of(scope, which = 'own') {
      if (which === 'own') return live().filter((runner) => sameScope(runner.scope, scope))
      const repositories = [...ground.repositories.values()].filter((repository) => covers(scope, repository))
      return live().filter((runner) => repositories.some((repository) => covers(runner.scope, repository)))
    },
    isOnline: ({ contactAt }) => contactAt !== null && clock.now() - contactAt <= offlineAfter,
    isReporting: ({ reportAt }) => reportAt !== null && clock.now() - reportAt <= 10 * second,
    registrationToken(scope) {
      const known = tokens.find((one) => sameScope(one.scope, scope))
      if (known) return known.token
      const made = { scope, token: ground.token() }
      tokens.push(made)
      return made.token
    },
    scopeOfToken: (token) => tokens.find((one) => one.token === token)?.scope ?? null,
    sweep() {
      const now = clock.now()
      for (const job of ground.jobs.values()) {
        const seen = job.runner && runners.get(job.runner.id)?.reportAt
        if (job.status === 'running' && now - (seen ?? now) > zombieAfter) jobs.finish(job, 'failure')
        if (job.status === 'queued' && !job.caller && now - (job.queuedAt ?? now) > abandonedAfter)
          jobs.finish(job, 'cancelled')
      }
      for (const runner of live()) {
        const unused = runner.contactAt === null && now - runner.registeredAt > (traits.forgetsUnused ?? Infinity)
        if (unused) leave(runner)
      }
    },
  }
}
