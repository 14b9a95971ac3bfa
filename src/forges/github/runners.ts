import type { Credential } from '../../core/credential.ts'
import type { RunnerList } from '../../core/look.ts'
import type { SeenRunner } from '../../core/runner.ts'
import { path } from '../api.ts'
import { ForgeRefused } from '../errors.ts'
import type { RegisterRequest } from '../forge.ts'
import type { GithubApi } from './client.ts'
import { countedPages, perPage } from './pages.ts'
import type { Place } from './place.ts'
import { anything, jitConfig, type Runner, runners } from './schema.ts'

/** Every GitHub runner bears it, but one that is registered by API only gets the labels that are passed. */
export const selfHosted = 'self-hosted'

/** The group `Default` of an organization or enterprise; a repository has no other. */
const defaultGroup = 1

/** Every runner of the scope, ours or not. */
export async function listRunners(api: GithubApi, { path, needs }: Place, signal: AbortSignal): Promise<RunnerList> {
  const { complete, rows } = await countedPages(async (page) => {
    const { value } = await api.call(
      {
        path: `${path}/actions/runners`,
        query: { per_page: perPage, page },
        answer: runners,
        needs: needs.runners,
      },
      signal,
    )
    return { total: value.total_count, rows: value.runners }
  })
  return { complete, runners: rows.map(seen) }
}

/**
 * Registers one runner for one job and answers all that it needs to start. GitHub removes the registration after the job, or
 * after a day without a connection. A name that is taken is a `ForgeRefused` with 409.
 */
export async function registerRunner(
  api: GithubApi,
  place: Place,
  { name, labels }: RegisterRequest,
  web: URL,
  signal: AbortSignal,
): Promise<Credential> {
  try {
    const { value } = await api.call(
      {
        method: 'POST',
        path: `${place.path}/actions/runners/generate-jitconfig`,
        json: { name, runner_group_id: defaultGroup, labels: withSelfHosted(labels), work_folder: '_work' },
        answer: jitConfig,
        needs: place.needs.runners,
      },
      signal,
    )
    return { kind: 'jit', url: new URL(place.page, web).href, config: value.encoded_jit_config }
  } catch (error) {
    if (!(error instanceof ForgeRefused) || error.status !== 409) throw error
    const why = `a runner named ${name} is registered already: remove it, or register under another name`
    throw new ForgeRefused(error.call, error.status, why, error.retryAt)
  }
}

/** 404 is as good as done: a runner that took its one job is removed by GitHub. 422 means that it works, or did until a moment ago. */
export async function removeRunner(
  api: GithubApi,
  place: Place,
  id: string,
  signal: AbortSignal,
): Promise<'removed' | 'busy'> {
  try {
    await api.call(
      {
        method: 'DELETE',
        path: `${place.path}${path`/actions/runners/${id}`}`,
        answer: anything,
        needs: place.needs.runners,
      },
      signal,
    )
    return 'removed'
  } catch (error) {
    if (!(error instanceof ForgeRefused)) throw error
    if (error.status === 404) return 'removed'
    if (error.status === 422) return 'busy'
    throw error
  }
}

function withSelfHosted(labels: readonly string[]): string[] {
  const has = labels.some((label) => label.toLowerCase() === selfHosted)
  return has ? [...labels] : [selfHosted, ...labels]
}

function seen({ id, name, status, busy, labels, ephemeral }: Runner): SeenRunner {
  return {
    id,
    name,
    labels: labels.map((label) => label.name),
    state: stateOf(status, busy),
    ephemeral: ephemeral ?? null,
  }
}

/** A runner whose machine was killed is offline and busy for some minutes: GitHub still holds its job, and refuses to remove it. */
function stateOf(status: string, busy: boolean): SeenRunner['state'] {
  if (busy) return 'busy'
  return status === 'online' ? 'idle' : 'offline'
}
