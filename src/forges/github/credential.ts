import type { Secret } from '../../secret.ts'

/** What every call bears, and what becomes of it when it is refused. */
export interface Credential {
  /** Makes sure of a token that lasts for a while; rejects with a `ForgeError` where none can be had. */
  ready(signal?: AbortSignal): Promise<void>
  reveal(): string
  /** Asked after a 401: true when a call shall be sent once more. */
  renew(): boolean
}

/** A personal access token: there as long as its owner leaves it there. */
export function tokenCredential(token: Secret): Credential {
  return {
    ready: async () => undefined,
    reveal: () => token.reveal(),
    renew: () => token.reread(),
  }
}
