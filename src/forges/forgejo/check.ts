import { note, problem, warning } from '../../core/finding.ts'
import type { CheckedServer } from '../own-server/checked-server.ts'
import type { ForgejoClient } from './client.ts'
import { hookEvents } from './webhook.ts'

/** What `checkOwnServer` needs to know of a Forgejo. */
export function forgejoParts(client: ForgejoClient): Omit<CheckedServer, 'api' | 'url' | 'scope' | 'clock'> {
  return {
    kind: 'forgejo',
    listsJobs: async (signal) => (await client.jobs(['muster'], signal)) !== null,
    listsRunners: async (signal) => (await client.someRunners(signal)) !== null,
    // Both came with v15.
    registration: async (runners) => (runners === null ? null : runners ? 'each' : 'shared'),
    events: { needed: ['push'], rest: hookEvents },
    told,
  }
}

const told: CheckedServer['told'] = {
  noJobs: problem('jobs', 'Forgejo lists no jobs before v11, and it tells of none', 'update Forgejo to v15 or later'),
  noRunners: note(
    'runners',
    'Forgejo lists no runners before v15: a start is believed until its ttl, and idle runners are not seen',
    'update Forgejo to v15 or later',
  ),
  // [cron.cleanup_offline_runners] is there since v12, off by default.
  shared: warning(
    'registration',
    'all runners share one registration token before v15, with which each could register more, and nobody can remove what they registered over the API',
    'update Forgejo to v15 or later; until then have it remove them itself (v12 and later): in app.ini [cron.cleanup_offline_runners] ENABLED = true, GLOBAL_SCOPE_ONLY = false, OLDER_THAN = 24h',
  ),
}
