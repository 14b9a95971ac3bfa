import { z } from 'zod'
import type { Scope } from '../../core/scope.ts'
import { unlessAbsent } from '../absent.ts'
import { type ForgeApi, path } from '../api.ts'
import { allPages, type Listed, perPage } from '../pages.ts'
import { scopePath } from '../scope-path.ts'
import { type ActionRunner, actionRunner, jobsPage, type ListedJob, registrationToken, runnersPage } from './schema.ts'

/** Which jobs: queued ones could run now, running ones are on a runner. What Gitea calls waiting could not run yet. */
export type Asked = 'queued' | 'in_progress'

/** The calls of Gitea's API that we need, 1.24 to 1.27; what a version has not is null. */
export interface GiteaClient {
  /** Jobs of all pages. Since 1.25. */
  jobs(asked: readonly Asked[], signal: AbortSignal): Promise<Listed<ListedJob> | null>
  /** Runners of all pages. Since 1.24. */
  runners(signal: AbortSignal): Promise<Listed<ActionRunner> | null>
  /** Whether the lists are there, by asking for one row. */
  has(list: 'jobs' | 'runners', signal: AbortSignal): Promise<boolean>
  /** One runner that can be edited here; null when it is gone, too. */
  runner(id: string, signal: AbortSignal): Promise<ActionRunner | null>
  /** A disabled runner is given no job. False where a runner cannot be disabled (up to 1.25) or is gone. */
  disableRunner(id: string, disabled: boolean, signal: AbortSignal): Promise<boolean>
  removeRunner(id: string, signal: AbortSignal): Promise<void>
  /** The shared, reusable token of the scope. */
  registrationToken(signal: AbortSignal): Promise<string>
}

export function createGiteaClient(api: ForgeApi, scope: Scope): GiteaClient {
  const root = scopePath(scope)
  const jobs = `${root}/actions/jobs`
  const runners = `${root}/actions/runners`
  const one = (id: string) => runners + path`/${id}`

  return {
    jobs(asked, signal) {
      return unlessAbsent(
        allPages(async (page) => {
          const query = { status: asked, page, limit: perPage }
          const { value } = await api.call({ path: jobs, query, answer: jobsPage }, signal)
          return { rows: value.jobs, total: value.total_count }
        }),
      )
    },

    runners(signal) {
      return unlessAbsent(
        allPages(async (page) => {
          const { value } = await api.call(
            { path: runners, query: { page, limit: perPage }, answer: runnersPage },
            signal,
          )
          return { rows: value.runners, total: value.total_count }
        }),
      )
    },

    async has(list, signal) {
      const query = { page: 1, limit: 1 }
      const call =
        list === 'jobs'
          ? api.call({ path: jobs, query: { ...query, status: 'queued' }, answer: jobsPage }, signal)
          : api.call({ path: runners, query, answer: runnersPage }, signal)
      return (await unlessAbsent<unknown>(call)) !== null
    },

    async runner(id, signal) {
      return (await unlessAbsent(api.call({ path: one(id), answer: actionRunner }, signal)))?.value ?? null
    },

    async disableRunner(id, disabled, signal) {
      const call = api.call({ method: 'PATCH', path: one(id), json: { disabled }, answer: z.unknown() }, signal)
      return (await unlessAbsent(call)) !== null
    },

    async removeRunner(id, signal) {
      await unlessAbsent(api.call({ method: 'DELETE', path: one(id), answer: z.unknown() }, signal))
    },

    async registrationToken(signal) {
      const answer = registrationToken
      const made = await unlessAbsent(
        api.call({ method: 'POST', path: `${runners}/registration-token`, answer }, signal),
      )
      if (made) return made.value.token
      // Up to 1.23 it is read (until 1.26 it can be), and an administrator's lies elsewhere.
      const old = scope.level === 'instance' ? `${root}/runners` : runners
      return (await api.call({ path: `${old}/registration-token`, answer }, signal)).value.token
    },
  }
}
