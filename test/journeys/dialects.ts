import type { ForgeVersion } from '../../src/simulation/versions.ts'

/** One forge in one version, and what of it a journey has to know. */
export interface Dialect {
  /** As people call it. */
  name: string
  version: ForgeVersion
  /** Each job is told of by webhook. */
  tells: boolean
  /** Jobs are listed. */
  listsJobs: boolean
  /** Runners are listed, and the registration of one that had its job is removed. */
  listsRunners: boolean
  /** A job says which runner took it. */
  namesRunners: boolean
}

const all = { tells: true, listsJobs: true, listsRunners: true, namesRunners: true }
const nameless = { ...all, namesRunners: false }
const nudgesOnly = { ...nameless, tells: false }

/** Every way in which a forge speaks to us. */
export const dialects: readonly Dialect[] = [
  { ...nudgesOnly, name: 'Forgejo 11', version: { kind: 'forgejo', version: 11 }, listsRunners: false },
  { ...nudgesOnly, name: 'Forgejo 13', version: { kind: 'forgejo', version: 13 }, listsRunners: false },
  { ...nudgesOnly, name: 'Forgejo 15', version: { kind: 'forgejo', version: 15 } },
  { ...nudgesOnly, name: 'Forgejo 16', version: { kind: 'forgejo', version: 16 } },
  { ...nameless, name: 'a Forgejo with job events', version: { kind: 'forgejo', version: 17, jobEvents: true } },
  { ...all, name: 'Gitea 1.24', version: { kind: 'gitea', version: '1.24' }, listsJobs: false },
  { ...all, name: 'Gitea 1.25', version: { kind: 'gitea', version: '1.25' } },
  { ...all, name: 'Gitea 1.26', version: { kind: 'gitea', version: '1.26' } },
  { ...all, name: 'Gitea 1.27', version: { kind: 'gitea', version: '1.27' } },
  { ...all, name: 'GitHub', version: { kind: 'github' } },
  { ...all, name: 'GitHub Enterprise Server', version: { kind: 'github', server: '3.17.0' } },
]
