import type { SeenRunner } from '../../core/runner.ts'
import type { ForgejoClient } from './client.ts'
import type { ActionRunner } from './schema.ts'

/** A runner in our words; a status that nobody knows is none that takes jobs. */
export function seenRunner({ id, name, labels, status, ephemeral }: ActionRunner): SeenRunner {
  const state = status === 'idle' ? 'idle' : status === 'active' ? 'busy' : 'offline'
  return { id, name, labels, state, ephemeral: ephemeral ?? null }
}

/**
 * Forgejo removes a runner at work without a word, so it is looked at just before; one with another name is not ours. Its list of jobs
 * does not say who runs them. Up to v14 it shows no runner and removes none: each seems to be gone.
 */
export async function unregister(
  client: ForgejoClient,
  { id, name }: { id: string; name: string },
  signal: AbortSignal,
): Promise<'removed' | 'busy'> {
  const runner = await client.runner(id, signal)
  if (runner === null || runner.name !== name) return 'removed'
  if (runner.status === 'active') return 'busy'
  await client.removeRunner(id, signal)
  return 'removed'
}
