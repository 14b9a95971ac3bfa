import type { SeenRunner } from '../../core/runner.ts'
import type { GiteaClient } from './client.ts'
import type { ActionRunner } from './schema.ts'

/** A runner in our words. One that is disabled takes no job, like one that is not there. */
export function seenRunner({ id, name, labels, status, busy, disabled, ephemeral }: ActionRunner): SeenRunner {
  const state = status === 'offline' ? 'offline' : busy ? 'busy' : disabled ? 'offline' : 'idle'
  return { id, name, labels, state, ephemeral: ephemeral ?? null }
}

/**
 * Gitea removes a runner at work without a word, and calls one idle that wrote nothing for 10 s and offline after a minute of it. So it
 * is looked for in the list of running jobs, too (since 1.25); and one that could still take a job is given no more before, where that
 * can be done (since 1.26). One with another name is not ours.
 */
export async function unregister(
  client: GiteaClient,
  { id, name }: { id: string; name: string },
  signal: AbortSignal,
): Promise<'removed' | 'busy'> {
  const before = await client.runner(id, signal)
  if (before === null || before.name !== name) return 'removed'
  if (before.busy) return 'busy'
  const takesJobs = before.status !== 'offline' && !before.disabled
  const disabled = takesJobs && (await client.disableRunner(id, true, signal))
  const runner = takesJobs ? await client.runner(id, signal) : before
  if (runner === null) return 'removed'
  if (runner.busy || (await runsJob(client, name, signal))) {
    if (disabled) await client.disableRunner(id, false, signal)
    return 'busy'
  }
  await client.removeRunner(id, signal)
  return 'removed'
}

async function runsJob(client: GiteaClient, name: string, signal: AbortSignal): Promise<boolean> {
  const running = await client.jobs(['in_progress'], signal)
  return running?.rows.some(({ runner_name }) => runner_name === name) ?? false
}
