import type { z } from 'zod'
import { webAddress } from '../../fields/address.ts'
import { authoritiesFile } from '../../fields/authorities.ts'
import { mapping } from '../../fields/mapping.ts'
import { secret } from '../../fields/secret.ts'
import type { Reading } from '../../fields.ts'
import type { Secret } from '../../secret.ts'

export interface ForgejoOptions {
  /** The web address; a path in it is kept. */
  baseUrl: URL
  token: Secret
  /** PEM of the authorities to trust for this forge; null for the usual ones. */
  ca: string | null
}

/** How `forgejo:` is written. */
export function forgejoOptions(reading: Reading): z.ZodType<ForgejoOptions> {
  return mapping({
    base_url: webAddress(reading),
    token: secret(reading),
    ca_file: authoritiesFile(reading),
  }).transform(({ base_url, token, ca_file }) => ({ baseUrl: base_url, token, ca: ca_file }))
}
