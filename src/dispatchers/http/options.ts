import type { Secret } from '../../secret.ts'

export interface HttpOptions {
  /** `/api/v1/dispatch` is appended; user and password in it become Basic credentials. */
  url: URL
  /** Sent as a bearer token; null for none. */
  token: Secret | null
  ca: string | null
  /** It honours `Idempotency-Key`, so an unknown outcome may be asked again. */
  idempotent: boolean
}
