import type { Secret } from '../../secret.ts'

export interface GiteaOptions {
  /** The web address; a path in it is kept. */
  baseUrl: URL
  token: Secret
  /** PEM of the authorities to trust for this forge; null for the usual ones. */
  ca: string | null
}
