import { problem, warning } from '../../core/finding.ts'
import type { CheckedServer } from '../own-server/checked-server.ts'
import type { GiteaClient } from './client.ts'
import { hookEvents } from './webhook.ts'

/** What `checkOwnServer` needs to know of a Gitea. */
export function giteaParts(client: GiteaClient): Omit<CheckedServer, 'api' | 'url' | 'scope' | 'clock'> {
  return {
    kind: 'gitea',
    listsJobs: async (signal) => (await client.jobListKind(signal)) !== null,
    listsRunners: (signal) => client.listsRunners(signal),
    registration: async (_, signal) => ((await client.hasRunnerService(signal)) ? 'each' : 'shared'),
    events: { needed: hookEvents, rest: [] },
    told,
  }
}

const told: CheckedServer['told'] = {
  noJobs: warning(
    'jobs',
    'Gitea lists no jobs before 1.25: a job whose webhook gets lost gets no runner, and jobs from before the start are not seen',
    'update Gitea to 1.25 or later',
  ),
  noRunners: problem(
    'runners',
    'Gitea lists no runners and tells of no job before 1.24: no job will get a runner',
    'update Gitea to 1.25 or later',
  ),
  shared: warning(
    'registration',
    'the service that runners talk to does not answer under /api/actions, so each runner is handed the shared registration token, with which it could register more',
    'let /api/actions past any proxy, and see that app.ini has [actions] ENABLED = true: the runners need it, too',
  ),
}
