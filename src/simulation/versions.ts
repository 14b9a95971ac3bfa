/** Which forge, and in which version, a simulated forge is. */
export type ForgeVersion =
  /** `jobEvents`: whether it sends `workflow_job_*`; no released Forgejo does. */
  | { kind: 'forgejo'; version: 11 | 12 | 13 | 14 | 15 | 16 | 17; jobEvents?: boolean }
  | { kind: 'gitea'; version: '1.24' | '1.25' | '1.26' | '1.27' }
  /** `server`: the version of an Enterprise Server; without it, github.com. */
  | { kind: 'github'; server?: string }

/** How the state machine of one version differs from the others. */
export interface Traits {
  /** Labels are compared without case. */
  foldCase: boolean
  /** A job without labels runs on any runner (Gitea up to 1.26), or on none. */
  unlabelled: 'anywhere' | 'never'
  /** What a job is that calls a workflow: one job like any other, the jobs that it calls, or those and a row that no runner is given. */
  called: 'as_one' | 'apart' | 'below_a_caller'
  /** What a re-run makes: the same row again, a new row, or the same row with a new attempt and handle. */
  rerun: 'same_id' | 'new_id' | 'new_attempt'
  /** When the attempt is counted: up to Gitea 1.26 only when a runner picks the job. */
  countsAttempt: 'at_creation' | 'at_pick'
  /** Each attempt has a handle that binds a runner to it (Forgejo 15). */
  handles: boolean
  /**
   * What a job is while an earlier run of its concurrency group goes on. Forgejo 14 lists it as waiting, and gives it to nobody;
   * before that it knows no groups.
   */
  heldByGroup: 'blocked' | 'queued' | 'free'
  /** Runners that take one job only are known (Forgejo 15). */
  ephemeral: boolean
  /** A registration that never connected is forgotten after so long, milliseconds; null where it is kept for ever. */
  forgetsUnused: number | null
  /** The first job id: GitHub's are beyond 2^31. */
  firstJobId: number
}

const day = 24 * 60 * 60_000

export function traitsOf(of: ForgeVersion): Traits {
  switch (of.kind) {
    case 'forgejo':
      return {
        foldCase: false,
        unlabelled: 'never',
        called: of.version >= 15 ? 'below_a_caller' : 'as_one',
        rerun: of.version >= 15 ? 'new_attempt' : 'same_id',
        countsAttempt: of.version >= 15 ? 'at_creation' : 'at_pick',
        handles: of.version >= 15,
        heldByGroup: of.version >= 14 ? 'queued' : 'free',
        ephemeral: of.version >= 15,
        forgetsUnused: null,
        firstJobId: 1,
      }
    case 'gitea':
      return {
        foldCase: false,
        unlabelled: of.version === '1.27' ? 'never' : 'anywhere',
        called: of.version === '1.27' ? 'below_a_caller' : 'as_one',
        rerun: of.version === '1.27' ? 'new_id' : 'same_id',
        countsAttempt: of.version === '1.27' ? 'at_creation' : 'at_pick',
        handles: false,
        heldByGroup: 'blocked',
        ephemeral: true,
        forgetsUnused: null,
        firstJobId: 1,
      }
    case 'github':
      return {
        foldCase: true,
        unlabelled: 'never',
        called: 'apart',
        rerun: 'new_id',
        countsAttempt: 'at_creation',
        handles: false,
        heldByGroup: 'blocked',
        ephemeral: true,
        forgetsUnused: day,
        firstJobId: 100_000_000_001,
      }
  }
}
