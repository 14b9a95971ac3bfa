import type { LabelRules } from '../../../src/core/labels.ts'
import type { RoundRules } from '../../../src/core/rounds.ts'
import type { ForgeVersion } from '../../../src/simulation/versions.ts'
import { giteaRules, githubRules } from '../../support/snapshot.ts'

/** What one version of a forge lets outsiders know: what `src/simulation/http` says in its words, in ours. */
export interface Dialect {
  version: ForgeVersion
  labels: LabelRules
  rounds: RoundRules
  lists: { jobs: boolean; runners: boolean }
  /** `jobs`: a webhook for each change of a job; `nudges`: signed events that tell nothing of jobs. */
  tells: 'jobs' | 'nudges'
  /** A job's events and rows name its runner. */
  namesRunners: boolean
  /** An attempt has a number and a handle that can bind a runner to it. */
  handles: boolean
  /** The job list holds only what asks for no other labels than those of the targets. */
  filters: boolean
  /** Its job list shows how things were up to so long ago. Milliseconds. */
  lag: number
  /** What failed to arrive can be read back. */
  recovers: boolean
  /** Each runner gets a registration of its own; or all share one token, and register themselves. */
  registration: 'each' | 'shared'
  /** A runner at work is not removed: the forge refuses, or we can ask it for the jobs that run. */
  protectsBusy: boolean
}

const gitea: Dialect = {
  version: { kind: 'gitea', version: '1.26' },
  labels: giteaRules,
  rounds: { requeue: 'soon' },
  lists: { jobs: true, runners: true },
  tells: 'jobs',
  namesRunners: true,
  handles: false,
  filters: false,
  lag: 0,
  recovers: false,
  registration: 'each',
  protectsBusy: true,
}

const forgejo: Dialect = {
  ...gitea,
  version: { kind: 'forgejo', version: 15 },
  labels: { ...giteaRules, unlabelled: 'never' },
  tells: 'nudges',
  namesRunners: false,
  handles: true,
  protectsBusy: false,
}

const oldForgejo: Dialect = {
  ...forgejo,
  handles: false,
  filters: true,
  lists: { jobs: true, runners: false },
  registration: 'shared',
}

/** The plainest first. */
export const dialects: readonly Dialect[] = [
  gitea,
  {
    ...gitea,
    version: { kind: 'github' },
    labels: githubRules,
    rounds: { requeue: 'late' },
    lag: 20_000,
    recovers: true,
  },
  forgejo,
  {
    ...gitea,
    version: { kind: 'gitea', version: '1.24' },
    lists: { jobs: false, runners: true },
    protectsBusy: false,
  },
  { ...gitea, version: { kind: 'gitea', version: '1.27' }, labels: { ...giteaRules, unlabelled: 'never' } },
  { ...oldForgejo, version: { kind: 'forgejo', version: 11 } },
  { ...oldForgejo, version: { kind: 'forgejo', version: 14 } },
  { ...forgejo, version: { kind: 'forgejo', version: 17, jobEvents: true }, tells: 'jobs' },
]

export function nameOf({ version }: Dialect): string {
  return version.kind === 'github' ? 'github' : `${version.kind} ${version.version}`
}
