import { url } from '../../fields/address.ts'
import { authoritiesFile } from '../../fields/authorities.ts'
import type { Fields } from '../../fields/mapping.ts'
import { optionalSecret } from '../../fields/secret.ts'
import { flag, type Reading } from '../../fields.ts'
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

/** How it is written, beside what every dispatcher has. */
export function httpFields(reading: Reading) {
  return {
    url: url(reading),
    token: optionalSecret(reading),
    ca_file: authoritiesFile(reading),
    idempotent: flag.default(false),
  }
}

export function httpOptions({ url, token, ca_file, idempotent }: Fields<ReturnType<typeof httpFields>>): HttpOptions {
  return { url, token, ca: ca_file, idempotent }
}
