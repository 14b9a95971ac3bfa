import type { z } from 'zod'
import { path } from '../api.ts'
import { ForgeRefused, ForgeUnreachable } from '../errors.ts'
import type { ForgeContext } from '../forge.ts'
import { createAppCalls } from './app-calls.ts'
import type { Credential } from './credential.ts'
import type { GithubApp, GithubOptions } from './options.ts'
import type { Place } from './place.ts'
import { installation, installationToken } from './schema.ts'

export interface AppCredential extends Credential {
  /** The installation as GitHub knows it: where it is, and what it may do. */
  describe(signal?: AbortSignal): Promise<z.output<typeof installation>>
}

const second = 1_000
const minute = 60 * second

/** A token is fetched anew so long before it ends. */
const early = 5 * minute
/** So long a fresh token may be unknown to a part of GitHub's servers. */
const replication = 5 * second

/** The token of a GitHub App's installation: fetched when it is needed, by one call at a time, and again before it expires. */
export function appCredential(
  options: Pick<GithubOptions, 'apiUrl' | 'ca'>,
  app: GithubApp,
  place: Place,
  context: Pick<ForgeContext, 'clock' | 'onCall'>,
): AppCredential {
  const { clock } = context
  const github = createAppCalls(options, app, context)
  let found: string | null = null
  let token = ''
  let goodUntil = Number.NEGATIVE_INFINITY
  let fetchedAt = Number.NEGATIVE_INFINITY
  /** Until then a fresh token may be unknown. */
  let settledAt = Number.NEGATIVE_INFINITY
  let fetching: Promise<void> | null = null

  async function installationId(): Promise<string> {
    found ??= app.installation ?? (await find()).id
    return found
  }

  function find(signal?: AbortSignal) {
    const lacking = `the GitHub App ${app.id} is not installed there: install it, or mend app_id or the scope`
    const hint = (status: number) => (status === 404 ? lacking : null)
    return github.call({ method: 'GET', path: `${place.path}/installation`, answer: installation, hint }, signal)
  }

  async function fetchToken(): Promise<void> {
    const id = await installationId()
    try {
      const wrong = `the GitHub App ${app.id} has no installation ${id}: mend installation_id, or leave it out to have it found`
      const { value, expiresAt } = await github.call({
        method: 'POST',
        path: path`/app/installations/${id}/access_tokens`,
        answer: installationToken,
        hint: (status) => (status === 404 ? wrong : null),
      })
      app.held.hold(value)
      token = value
      fetchedAt = clock.monotonic()
      // How long it lasts is told by GitHub's clock, and measured by ours.
      goodUntil = fetchedAt + expiresAt - (github.toldAt ?? clock.now()) - early
    } catch (error) {
      // An App that was removed and installed again has another installation.
      if (error instanceof ForgeRefused && error.status === 404) found = null
      throw error
    }
  }

  return {
    async ready(signal) {
      const lag = settledAt - clock.monotonic()
      if (lag > 0) await clock.sleep(lag, signal)
      if (clock.monotonic() < goodUntil) return
      // Not the caller's signal: others wait for it too.
      fetching ??= fetchToken().finally(() => {
        fetching = null
      })
      await unlessAborted(fetching, signal)
    },
    reveal: () => token,
    renew() {
      // A fresh one is tried again after a second; an older one was revoked.
      const now = clock.monotonic()
      if (now - fetchedAt < replication) settledAt = now + second
      else goodUntil = Number.NEGATIVE_INFINITY
      return true
    },
    async describe(signal) {
      if (app.installation === null) return find(signal)
      const lacking = `the GitHub App ${app.id} has no installation ${app.installation}: mend installation_id`
      return github.call(
        {
          method: 'GET',
          path: path`/app/installations/${app.installation}`,
          answer: installation,
          hint: (status) => (status === 404 ? lacking : null),
        },
        signal,
      )
    },
  }
}

/** Others may wait for the same work, so it goes on. */
function unlessAborted(work: Promise<void>, signal?: AbortSignal): Promise<void> {
  if (!signal) return work
  return new Promise((resolve, reject) => {
    const stop = () => reject(new ForgeUnreachable('POST /app/installations/…/access_tokens', 'the call was given up'))
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
