import type { Clock } from '../clock.ts'
import type { Scope } from '../core/scope.ts'
import type { Ids } from '../ids.ts'
import type { Traits } from './versions.ts'

/** What a simulated forge keeps. All times are epoch milliseconds. */
export interface Repository {
  id: number
  owner: string
  ownerId: number
  ownerKind: 'organization' | 'user'
  name: string
}

export type Conclusion = 'success' | 'failure' | 'cancelled' | 'skipped'

/**
 * `blocked`: what it needs is not done, or its concurrency group is taken. `waiting`: only an approval is missing.
 * `queued`: a runner may take it.
 */
export type JobStatus = 'blocked' | 'waiting' | 'queued' | 'running' | 'done'

export interface SimulatedJob {
  id: number
  runId: number
  name: string
  labels: readonly string[]
  needs: readonly string[]
  /** How long a runner works on it, milliseconds. */
  duration: number
  /** How it ends when it is worked on to the end. */
  willEnd: 'success' | 'failure'
  approved: boolean
  status: JobStatus
  conclusion: Conclusion | null
  attempt: number
  /** Names this attempt (Forgejo 15 and later). */
  handle: string | null
  /** 0 until a runner picks it. */
  taskId: number
  runner: { id: number; name: string } | null
  /** False when a re-run made another row in its place. */
  latest: boolean
  /** It stands for the jobs of a workflow that it calls, goes as they go, and is given to no runner. */
  caller: boolean
  /** The name of the row that stands for it; null for none. */
  calledBy: string | null
  createdAt: number
  queuedAt: number | null
  startedAt: number | null
  completedAt: number | null
}

export interface Run {
  id: number
  repository: Repository
  workflow: string
  /** The concurrency group, null for none: one run of a group at a time. */
  group: string | null
  event: string
  commit: string
  attempt: number
  createdAt: number
  completedAt: number | null
}

export interface SimulatedRunner {
  id: number
  uuid: string
  token: string
  name: string
  /** For people (Forgejo 15 and later). */
  description: string
  labels: readonly string[]
  scope: Scope
  ephemeral: boolean
  /** Drained: it is given nothing (Gitea 1.26 and later). */
  disabled: boolean
  version: string
  registeredAt: number
  /** The last call of the runner itself; null for one that never connected. */
  contactAt: number | null
  /** The last report on a task. */
  reportAt: number | null
  jobId: number | null
  /** How many jobs it was given. */
  taken: number
  goneAt: number | null
}

export interface Hook {
  id: number
  scope: Scope
  type: string
  url: string
  contentType: 'json' | 'form'
  secret: string
  events: readonly string[]
  active: boolean
  branchFilter: string
  authorizationHeader: string
  /** Copied to new repositories, and told nothing itself (what the admin API of Forgejo and Gitea makes unless asked for a system hook). */
  template: boolean
  createdAt: number
  updatedAt: number
}

/** Something that outsiders may be told of. Jobs, runs and runners are copies of that moment. */
export type Happening =
  | { kind: 'pushed'; run: Run }
  | { kind: 'job'; job: SimulatedJob; run: Run }
  | { kind: 'run_done'; run: Run; conclusion: 'success' | 'failure'; recovered: boolean }
  | { kind: 'runner'; runner: SimulatedRunner; change: 'registered' | 'connected' | 'gone' }
  | { kind: 'hook_made'; hook: Hook }

/** The ground that jobs, runners and hooks of one forge stand on. */
export interface Ground {
  traits: Traits
  clock: Pick<Clock, 'now'>
  repositories: Map<number, Repository>
  runs: Map<number, Run>
  jobs: Map<number, SimulatedJob>
  runners: Map<number, SimulatedRunner>
  hooks: Map<number, Hook>
  /** The next number of a sequence: `run`, `task`, … */
  next(sequence: string, first?: number): number
  uuid(): string
  /** 40 hex digits. */
  token(): string
  tell(happening: Happening): void
}

export function createGround(traits: Traits, clock: Pick<Clock, 'now'>, ids: Ids, tell: Ground['tell']): Ground {
  const sequences = new Map<string, number>()
  const hex = (length: number) => {
    let text = ''
    while (text.length < length) text += Buffer.from(ids()).toString('hex')
    return text.slice(-length)
  }
  return {
    traits,
    clock,
    repositories: new Map(),
    runs: new Map(),
    jobs: new Map(),
    runners: new Map(),
    hooks: new Map(),
    next(sequence, first = 1) {
      const number = sequences.get(sequence) ?? first
      sequences.set(sequence, number + 1)
      return number
    },
    uuid() {
      const text = hex(32)
      return [
        text.slice(0, 8),
        text.slice(8, 12),
        `4${text.slice(13, 16)}`,
        `8${text.slice(17, 20)}`,
        text.slice(20),
      ].join('-')
    },
    token: () => hex(40),
    tell: (happening) => tell(structuredClone(happening)),
  }
}

/** True when a repository lies inside a scope. Names are compared without case, as all three forges do. */
export function covers(scope: Scope, repository: Repository): boolean {
  const same = (a: string | null, b: string) => a?.toLowerCase() === b.toLowerCase()
  switch (scope.level) {
    case 'repository':
      return same(scope.owner, repository.owner) && same(scope.name, repository.name)
    case 'organization':
    case 'user':
      return same(scope.owner, repository.owner) && scope.level === repository.ownerKind
    case 'instance':
    case 'enterprise':
      return true
  }
}

export function sameScope(a: Scope, b: Scope): boolean {
  const key = ({ level, owner, name }: Scope) => JSON.stringify([level, owner?.toLowerCase(), name?.toLowerCase()])
  return key(a) === key(b)
}
