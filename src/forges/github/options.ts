import type { Secret } from '../../secret.ts'

export interface GithubOptions {
  /** The web address, `https://github.com` by default. */
  baseUrl: URL
  /** Where its REST API is: `api.` before github.com and *.ghe.com, `/api/v3` on any other host. */
  apiUrl: URL
  token: Secret
  ca: string | null
}
