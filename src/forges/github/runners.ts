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
 * after a day without a connection. A name that is taken is a `ForgeRefused` with 409, unless what has it is the offline rest of an
 * earlier try of ours: names are given once, so nobody else bears it.
 */
export async function registerRunner(
  api: GithubApi,
  place: Place,
  request: RegisterRequest,
  web: URL,
  signal: AbortSignal,
): Promise<Credential> {
  const config = await generate(api, place, request, signal).catch(async (error: unknown) => {
    if (!isTaken(error)) throw error
    const stale = await staleRunner(api, place, request.name, signal)
    if (stale === null || (await removeRunner(api, place, stale, signal)) === 'busy') throw taken(error, request.name)
    return generate(api, place, request, signal).catch((again: unknown) => {
      throw isTaken(again) ? taken(again, request.name) : again
    })
  })
  return { kind: 'jit', url: new URL(place.page, web).href, config }
}

async function generate(
  api: GithubApi,
  place: Place,
  { name, labels }: RegisterRequest,
  signal: AbortSignal,
): Promise<string> {
  const { value } = await api.call(
    {
      method: 'POST',
      path: `${place.path}/actions/runners/generate-jitconfig`,
      json: { name, runner_group_id: defaultGroup, labels: withSelfHosted(labels), work_folder: '_work' },
      answer: jitConfig,
      needs: place.needs.runners,
      urgent: true,
      resource: 'actions_runner_registration',
    },
    signal,
  )
  return value.encoded_jit_config
}

/** The id of a runner of exactly this name that never came or has gone, and takes one job only, as ours do. */
async function staleRunner(api: GithubApi, place: Place, name: string, signal: AbortSignal): Promise<string | null> {
  const { value } = await api.call(
    {
      path: `${place.path}/actions/runners`,
      query: { name, per_page: perPage },
      answer: runners,
      needs: place.needs.runners,
      urgent: true,
    },
    signal,
  )
  const [found, ...others] = value.runners.filter((one) => one.name === name)
  const isOurs = found && others.length === 0 && found.ephemeral !== false
  return isOurs && found.status === 'offline' && !found.busy ? found.id : null
}

function isTaken(error: unknown): error is ForgeRefused {
  return error instanceof ForgeRefused && error.status === 409
}

function taken({ call, status, retryAt }: ForgeRefused, name: string): ForgeRefused {
  const why = `a runner named ${name} is registered already: remove it, or register under another name`
  return new ForgeRefused(call, status, why, retryAt)
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
        urgent: true,
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
