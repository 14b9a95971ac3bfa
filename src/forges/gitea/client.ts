import { z } from 'zod'
import type { Scope } from '../../core/scope.ts'
import { unlessAbsent } from '../absent.ts'
import { type ForgeApi, path } from '../api.ts'
import { ForgeMisshapen, ForgeRefused } from '../errors.ts'
import { allPages, type Listed, perPage } from '../own-server/pages.ts'
import { scopePath } from '../own-server/scope-path.ts'
import {
  type ActionRunner,
  actionRunner,
  jobsPage,
  type ListedJob,
  type RegisteredRunner,
  registeredRunner,
  registrationToken,
  runnersPage,
} from './schema.ts'

/** Which jobs: queued ones could run now, running ones are on a runner. What Gitea calls waiting could not run yet. */
export type Asked = 'queued' | 'in_progress'

/** The calls of Gitea's API that we need, 1.24 to 1.27; what a version has not is null. */
export interface GiteaClient {
  /** Jobs of all pages. Since 1.25. */
  jobs(asked: readonly Asked[], signal: AbortSignal): Promise<Listed<ListedJob> | null>
  /** Runners of all pages. Since 1.24. */
  runners(signal: AbortSignal): Promise<Listed<ActionRunner> | null>
  /**
   * What kind of job list there is, by an order that no version knows: 1.27 refuses it, 1.25 and 1.26 do not look at it. Null up to 1.24.
   */
  jobListKind(signal: AbortSignal): Promise<'ordered' | 'unordered' | null>
  /** Whether runners can be listed, by asking for one. */
  listsRunners(signal: AbortSignal): Promise<boolean>
  /** One runner that can be edited here; null when it is gone, too. */
  runner(id: string, signal: AbortSignal): Promise<ActionRunner | null>
  /** A disabled runner is given no job. False where a runner cannot be disabled (up to 1.25) or is gone. */
  disableRunner(id: string, disabled: boolean, signal: AbortSignal): Promise<boolean>
  removeRunner(id: string, signal: AbortSignal): Promise<void>
  /** The shared, reusable token of the scope. */
  registrationToken(signal: AbortSignal): Promise<string>
  /** Whether the service that runners talk to is there: what it wants to be posted it refuses to be read (405). */
  hasRunnerService(signal: AbortSignal): Promise<boolean>
  /** One ephemeral runner, by the call that a runner's own `register` makes. `labels` are bare names. */
  registerRunner(request: RunnerRequest, signal: AbortSignal): Promise<RegisteredRunner>
}

export interface RunnerRequest {
  name: string
  /** The shared token. */
  token: string
  labels: readonly string[]
}

/** A call of the service that runners talk to (connect-go, for which JSON is a codec like any). Beside the API, and without its scopes. */
const register = '/api/actions/runner.v1.RunnerService/Register'

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

    async jobListKind(signal) {
      const query = { status: 'queued', sort: 'muster', page: 1, limit: 1 }
      try {
        return (await unlessAbsent(api.call({ path: jobs, query, answer: jobsPage }, signal))) && 'unordered'
      } catch (error) {
        if (error instanceof ForgeRefused && error.status === 422) return 'ordered'
        throw error
      }
    },

    async listsRunners(signal) {
      const call = api.call({ path: runners, query: { page: 1, limit: 1 }, answer: runnersPage }, signal)
      return (await unlessAbsent(call)) !== null
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

    async hasRunnerService(signal) {
      try {
        await api.call({ path: register, answer: z.unknown() }, signal)
      } catch (error) {
        if (error instanceof ForgeRefused && error.status < 500) return error.status === 405
        if (!(error instanceof ForgeMisshapen)) throw error
      }
      return false
    },

    async registerRunner({ name, token, labels }, signal) {
      // The version is the runner's own to tell, once it connects.
      const json = { name, token, version: 'muster', labels, ephemeral: true }
      return (await api.call({ method: 'POST', path: register, json, answer: registeredRunner }, signal)).value.runner
    },
  }
}
