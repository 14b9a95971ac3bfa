import { z } from 'zod'
import type { Scope } from '../../core/scope.ts'
import { unlessAbsent } from '../absent.ts'
import { type ForgeApi, path } from '../api.ts'
import { ForgeRefused } from '../errors.ts'
import { allPages, type Listed, perPage, totalCount } from '../own-server/pages.ts'
import { scopePath } from '../own-server/scope-path.ts'
import {
  type ActionJob,
  type ActionRunner,
  actionJobs,
  actionRunner,
  actionRunners,
  registeredRunner,
  registrationToken,
  repository,
} from './schema.ts'

export interface RegisteredRunner {
  uuid: string
  token: string
}

/** The calls of Forgejo's API that we need, v11 to v17-dev; what a version has not is null. */
export interface ForgejoClient {
  /** Waiting and running jobs whose `runs_on` is a subset of these labels; null asks for all, which v14 and later understand. Since v11. */
  jobs(labels: readonly string[] | null, signal: AbortSignal): Promise<readonly ActionJob[] | null>
  /** Runners, all pages. Since v15. */
  runners(signal: AbortSignal): Promise<Listed<ActionRunner> | null>
  /** The first few runners: enough to know whether they can be listed. */
  someRunners(signal: AbortSignal): Promise<readonly ActionRunner[] | null>
  /** One runner of this scope; null when it is gone, too. */
  runner(id: string, signal: AbortSignal): Promise<ActionRunner | null>
  /** Content when it is gone; rejects for one that is visible here and belongs to a wider scope. */
  removeRunner(id: string, signal: AbortSignal): Promise<void>
  /** One ephemeral runner. Since v15. */
  registerRunner(name: string, description: string, signal: AbortSignal): Promise<RegisteredRunner | null>
  /** The shared token of the scope; deprecated since v15. */
  registrationToken(signal: AbortSignal): Promise<string>
  /** `owner/name` of a repository; null when it is gone or hidden from us. */
  repositoryName(id: string, signal: AbortSignal): Promise<string | null>
}

export function createForgejoClient(api: ForgeApi, scope: Scope): ForgejoClient {
  const root = scopePath(scope)
  const runners = `${root}/actions/runners`
  // Up to v14 an administrator's calls lie elsewhere; v15 has both.
  const oldRunners = scope.level === 'instance' ? `${root}/runners` : runners
  // All runners that can take jobs from here. For an administrator that would add those of single repositories, which cannot.
  const whose: Record<string, string> = scope.level === 'instance' ? {} : { visible: 'true' }

  function listedJobs(base: string, labels: readonly string[] | null, signal: AbortSignal) {
    const query = labels === null ? undefined : { labels: labels.join(',') }
    return unlessAbsent(api.call({ path: `${base}/jobs`, query, answer: actionJobs }, signal))
  }

  return {
    async jobs(labels, signal) {
      const answer = await listedJobs(runners, labels, signal)
      if (answer || oldRunners === runners) return answer?.value ?? null
      return (await listedJobs(oldRunners, labels, signal))?.value ?? null
    },

    runners(signal) {
      return unlessAbsent(
        allPages(async (page) => {
          const query = { ...whose, page, limit: perPage }
          const answer = await api.call({ path: runners, query, answer: actionRunners }, signal)
          return { rows: answer.value, total: totalCount(answer) }
        }),
      )
    },

    async someRunners(signal) {
      const query = { ...whose, page: 1, limit: 1 }
      return (await unlessAbsent(api.call({ path: runners, query, answer: actionRunners }, signal)))?.value ?? null
    },

    async runner(id, signal) {
      const answer = await unlessAbsent(api.call({ path: runners + path`/${id}`, answer: actionRunner }, signal))
      return answer?.value ?? null
    },

    async removeRunner(id, signal) {
      try {
        await api.call({ method: 'DELETE', path: runners + path`/${id}`, answer: z.unknown() }, signal)
      } catch (error) {
        if (!isGone(error)) throw error
      }
    },

    async registerRunner(name, description, signal) {
      const json = { name, description, ephemeral: true }
      const call = api.call({ method: 'POST', path: runners, json, answer: registeredRunner }, signal)
      return (await unlessAbsent(call))?.value ?? null
    },

    async registrationToken(signal) {
      const answer = await api.call({ path: `${oldRunners}/registration-token`, answer: registrationToken }, signal)
      return answer.value.token
    },

    async repositoryName(id, signal) {
      const call = api.call({ path: path`/api/v1/repositories/${id}`, answer: repository }, signal)
      return (await unlessAbsent(call, [403, 404]))?.value.full_name ?? null
    },
  }
}

/** A runner of a wider scope is "not found" as well, though it is shown: `No permission to delete this runner` (v15). */
function isGone(error: unknown): boolean {
  return error instanceof ForgeRefused && error.status === 404 && !/permission/i.test(error.detail)
}
