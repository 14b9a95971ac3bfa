import type { Scope } from '../core/scope.ts'
import { type Row, rowsOf } from './calls.ts'
import { type Conclusion, covers, type Ground, type Run, type SimulatedJob, type SimulatedRunner } from './state.ts'

/** One job as a workflow file would say it. */
export interface WrittenJob {
  name: string
  labels: readonly string[]
  needs?: readonly string[]
  /** How long a runner works on it. Default 1. */
  seconds?: number
  willEnd?: 'success' | 'failure'
  /** It waits for somebody's approval first. */
  approval?: boolean
  /** It calls a workflow with these jobs. */
  uses?: readonly WrittenJob[]
}

export interface Push {
  /** `owner/name` of a repository that the forge has. */
  repository: string
  workflow?: string
  group?: string
  jobs: readonly WrittenJob[]
}

/** Runs and their jobs: the forge's own rules of what follows what. */
export interface Jobs {
  push(push: Push): Run
  approve(jobId: number): void
  /** Ends a job that is not done; one that runs is taken from its runner at once. */
  cancel(jobId: number): void
  /** Starts a run again: all its jobs, or those named. */
  rerun(runId: number, names?: readonly string[]): void
  /** Queued jobs that a runner could be given, oldest first. */
  takeable(scope: Scope): SimulatedJob[]
  start(job: SimulatedJob, runner: SimulatedRunner): void
  finish(job: SimulatedJob, conclusion: Conclusion): void
  /** Rows inside a scope, oldest first. */
  inScope(scope: Scope): SimulatedJob[]
  ofRun(runId: number): SimulatedJob[]
  runOf(job: SimulatedJob): Run
  /** Called when a job ended, by whatever cause, so that its runner is let go. */
  onDone(listener: (job: SimulatedJob) => void): void
}

export function createJobs(ground: Ground): Jobs {
  const { traits, clock, runs, jobs } = ground
  const doneListeners: ((job: SimulatedJob) => void)[] = []
  const runOf = (job: SimulatedJob) => known(runs.get(job.runId), `run ${job.runId}`)
  const ofRun = (runId: number) => [...jobs.values()].filter((job) => job.runId === runId && job.latest)

  function announce(job: SimulatedJob): void {
    ground.tell({ kind: 'job', job, run: runOf(job) })
    if (job.calledBy !== null) follow(ofRun(job.runId).find(({ name }) => name === job.calledBy))
  }

  /** A caller goes as the jobs go that it called. */
  function follow(caller: SimulatedJob | undefined): void {
    if (!caller) return
    const called = ofRun(caller.runId).filter(({ calledBy }) => calledBy === caller.name)
    const status = together(called)
    if (caller.status === status) return
    if (status === 'done') {
      end(caller, called.every(isSkipped) ? 'skipped' : verdict(called))
    } else {
      caller.status = status
      announce(caller)
    }
  }

  function push({ repository, workflow = 'ci.yml', group, jobs: written }: Push): Run {
    const home = [...ground.repositories.values()].find(({ owner, name }) => `${owner}/${name}` === repository)
    const run: Run = {
      id: ground.next('run'),
      repository: known(home, `repository ${repository}`),
      workflow,
      group: group ?? null,
      event: 'push',
      commit: ground.token(),
      attempt: 1,
      createdAt: clock.now(),
      completedAt: null,
    }
    runs.set(run.id, run)
    ground.tell({ kind: 'pushed', run })
    for (const row of rowsOf(written, traits)) add(run, row)
    for (const job of ofRun(run.id)) enter(job)
    return run
  }

  function add(run: Run, { written, caller, calledBy }: Row): void {
    const job: SimulatedJob = {
      id: ground.next('job', traits.firstJobId),
      runId: run.id,
      name: written.name,
      labels: written.labels,
      needs: written.needs ?? [],
      duration: (written.seconds ?? 1) * 1_000,
      willEnd: written.willEnd ?? 'success',
      approved: !written.approval,
      caller,
      calledBy,
      ...fresh(traits.countsAttempt === 'at_creation' ? 1 : 0),
    }
    jobs.set(job.id, job)
  }

  /** What every attempt of a job begins with. */
  function fresh(attempt: number) {
    return {
      status: 'blocked' as const,
      conclusion: null,
      attempt,
      handle: traits.handles ? ground.uuid() : null,
      taskId: 0,
      runner: null,
      latest: true,
      createdAt: clock.now(),
      queuedAt: null,
      startedAt: null,
      completedAt: null,
    }
  }

  /** Where a new or re-run job stands, told to all who listen. */
  function enter(job: SimulatedJob): void {
    if (!advance(job)) announce(job)
  }

  /** Moves a job on as far as what it needs allows. True when it moved. */
  function advance(job: SimulatedJob): boolean {
    if (job.caller || (job.status !== 'blocked' && job.status !== 'waiting')) return false
    const needed = ofRun(job.runId).filter(({ name }) => job.needs.includes(name))
    if (needed.some(({ status }) => status !== 'done')) return false
    if (needed.some(({ conclusion }) => conclusion !== 'success')) {
      end(job, 'skipped')
      return true
    }
    if (traits.heldByGroup === 'blocked' && isHeld(runOf(job))) return false
    const status = job.approved ? 'queued' : 'waiting'
    if (job.status === status) return false
    job.status = status
    if (status === 'queued') job.queuedAt = clock.now()
    announce(job)
    return true
  }

  /** True while an earlier run of the same concurrency group goes on. */
  function isHeld(run: Run): boolean {
    if (run.group === null || traits.heldByGroup === 'free') return false
    return [...runs.values()].some(
      (other) =>
        other.group === run.group &&
        other.repository.id === run.repository.id &&
        other.id < run.id &&
        other.completedAt === null,
    )
  }

  function end(job: SimulatedJob, conclusion: Conclusion): void {
    job.status = 'done'
    job.conclusion = conclusion
    job.completedAt = clock.now()
    announce(job)
    for (const listener of doneListeners) listener(job)
  }

  /** After an end: jobs that needed it move on, and the run may be over. */
  function settle(run: Run): void {
    while (ofRun(run.id).some(advance));
    const all = ofRun(run.id)
    if (run.completedAt !== null || all.some(({ status }) => status !== 'done')) return
    run.completedAt = clock.now()
    const conclusion = verdict(all)
    const before = [...runs.values()].findLast(
      ({ id, repository, workflow }) => id < run.id && repository.id === run.repository.id && workflow === run.workflow,
    )
    const recovered = conclusion === 'success' && before !== undefined && verdict(ofRun(before.id)) === 'failure'
    ground.tell({ kind: 'run_done', run, conclusion, recovered })
    for (const other of runs.values()) {
      if (run.group !== null && other.group === run.group && other.completedAt === null) settle(other)
    }
  }

  function finish(job: SimulatedJob, conclusion: Conclusion): void {
    if (job.status === 'done') return
    end(job, conclusion)
    settle(runOf(job))
  }

  function rerun(runId: number, names?: readonly string[]): void {
    const run = known(runs.get(runId), `run ${runId}`)
    run.attempt++
    run.completedAt = null
    const again: SimulatedJob[] = []
    const copied: SimulatedJob[] = []
    for (const job of ofRun(runId)) {
      const stands = (name: string) => name === job.name || (job.caller && name.startsWith(`${job.name} / `))
      const chosen = !names || names.some(stands)
      if (traits.rerun !== 'new_id') {
        if (chosen)
          again.push(Object.assign(job, fresh(traits.rerun === 'new_attempt' ? job.attempt + 1 : job.attempt)))
        continue
      }
      job.latest = false
      const attempt = { attempt: job.attempt + 1, id: ground.next('job'), latest: true }
      const row = chosen ? { ...job, ...fresh(0), ...attempt } : { ...job, ...attempt }
      jobs.set(row.id, row)
      if (chosen) again.push(row)
      else copied.push(row)
    }
    // GitHub announces the run's other jobs as completed once more, under new ids.
    for (const job of copied) announce(job)
    for (const job of again) enter(job)
  }

  return {
    push,
    rerun,
    finish,
    ofRun,
    runOf,
    approve(jobId) {
      const job = known(jobs.get(jobId), `job ${jobId}`)
      job.approved = true
      advance(job)
    },
    cancel(jobId) {
      const job = known(jobs.get(jobId), `job ${jobId}`)
      const called = ofRun(job.runId).filter(({ calledBy }) => job.caller && calledBy === job.name)
      for (const one of job.caller ? called : [job]) finish(one, 'cancelled')
    },
    takeable(scope) {
      return [...jobs.values()]
        .filter((job) => job.status === 'queued' && !job.caller && covers(scope, runOf(job).repository))
        .filter((job) => !isHeld(runOf(job)))
        .sort((a, b) => (a.queuedAt ?? 0) - (b.queuedAt ?? 0) || a.id - b.id)
    },
    start(job, runner) {
      job.status = 'running'
      job.startedAt = clock.now()
      job.taskId = ground.next('task')
      job.runner = { id: runner.id, name: runner.name }
      if (traits.countsAttempt === 'at_pick') job.attempt++
      announce(job)
    },
    inScope: (scope) => [...jobs.values()].filter((job) => covers(scope, runOf(job).repository)),
    onDone: (listener) => void doneListeners.push(listener),
  }
}

/** What jobs that belong together are as a whole. */
function together(jobs: readonly SimulatedJob[]): SimulatedJob['status'] {
  const some = (status: SimulatedJob['status']) => jobs.some((job) => job.status === status)
  if (jobs.every(({ status }) => status === 'done')) return 'done'
  if (some('running') || some('done')) return 'running'
  return some('queued') ? 'queued' : some('waiting') ? 'waiting' : 'blocked'
}

function isSkipped({ conclusion }: SimulatedJob): boolean {
  return conclusion === 'skipped'
}

function verdict(jobs: readonly SimulatedJob[]): 'success' | 'failure' {
  return jobs.every(({ conclusion }) => conclusion === 'success') ? 'success' : 'failure'
}

/** A story that names what is not there is wrong: say so at once. */
function known<T>(found: T | undefined, what: string): T {
  if (found === undefined) throw new Error(`the simulated forge has no ${what}`)
  return found
}
