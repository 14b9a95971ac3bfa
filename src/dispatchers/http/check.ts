import { type Finding, good, problem, warning } from '../../core/finding.ts'
import { createHttpClient, HttpFailed } from '../../http-client.ts'
import type { HttpOptions } from './options.ts'
import { authorization, dispatchUrl } from './request.ts'

/** Milliseconds. */
const bound = 10_000

/** What `muster check` says of another service that starts runners: `dispatcher_reachable`, `dispatcher_token`. It asks for no runner. */
export async function checkHttp(options: HttpOptions, signal: AbortSignal): Promise<readonly Finding[]> {
  const url = dispatchUrl(options.url)
  const client = createHttpClient({ ca: options.ca ?? undefined, keepAlive: false })
  try {
    // A GET is not what the API answers to: whatever comes back, somebody is there.
    const { status } = await client.send(
      { method: 'GET', url, headers: authorization(options).headers, deadline: bound },
      signal,
    )
    if (status === 401 || status === 403)
      return [
        problem('dispatcher_token', `${url.origin} does not let us in (${status})`, 'set the token that it expects'),
      ]
    const reachable = good('dispatcher_reachable', `${url.origin} answers`)
    if (status < 500) return [reachable]
    return [warning('dispatcher_reachable', `${url.origin} answers with ${status}`, 'look at its own log')]
  } catch (error) {
    const why = error instanceof HttpFailed ? error.message : 'its token cannot be read'
    return [
      problem(
        'dispatcher_reachable',
        `${url.origin} cannot be reached: ${why}`,
        'start it, or mend "url" of the dispatcher',
      ),
    ]
  } finally {
    client.close()
  }
}
