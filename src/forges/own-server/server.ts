import type { z } from 'zod'
import { webAddress } from '../../fields/address.ts'
import { authoritiesFile } from '../../fields/authorities.ts'
import { mapping } from '../../fields/mapping.ts'
import { secret } from '../../fields/secret.ts'
import type { Reading } from '../../fields.ts'
import { Scrubber, type Secret } from '../../secret.ts'
import { createForgeApi, type ForgeApi } from '../api.ts'
import { ForgeRefused } from '../errors.ts'
import type { ForgeContext } from '../forge.ts'

/** A Forgejo or a Gitea: a server of one's own, with the API below its web address. */
export interface OwnServer {
  /** The web address; a path in it is kept. */
  baseUrl: URL
  token: Secret
  /** PEM of the authorities to trust for this forge; null for the usual ones. */
  ca: string | null
}

/** How `forgejo:` and `gitea:` are written. */
export function ownServer(reading: Reading): z.ZodType<OwnServer> {
  return mapping({
    base_url: webAddress(reading),
    token: secret(reading),
    ca_file: authoritiesFile(reading),
  }).transform(({ base_url, token, ca_file }) => ({ baseUrl: base_url, token, ca: ca_file }))
}

/** Calls to it, and its address as runners are told it. */
export function reach(
  { baseUrl, token, ca }: OwnServer,
  { clock, onCall }: Pick<ForgeContext, 'clock' | 'onCall'>,
): { api: ForgeApi; url: string } {
  const headers = () => ({ authorization: `token ${token.reveal()}` })
  const api = createForgeApi({ base: baseUrl, ca, clock, onCall, headers, renew: () => token.reread() })
  return { api: withoutToken(api, token), url: baseUrl.href.replace(/\/+$/, '') }
}

/** Forgejo quotes a token that it does not know in its refusal: `access token does not exist [sha: …]` (v15). */
function withoutToken(api: ForgeApi, token: Secret): ForgeApi {
  const scrubber = new Scrubber([token])
  return {
    async call(request, signal) {
      try {
        return await api.call(request, signal)
      } catch (error) {
        if (!(error instanceof ForgeRefused)) throw error
        throw new ForgeRefused(error.call, error.status, scrubber.scrub(error.detail), error.retryAt)
      }
    },
  }
}
