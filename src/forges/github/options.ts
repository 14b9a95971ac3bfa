import { z } from 'zod'
import { webAddress } from '../../fields/address.ts'
import { authoritiesFile } from '../../fields/authorities.ts'
import { chosen, isTree, mapping, valueAt } from '../../fields/mapping.ts'
import { optionalSecret, secret } from '../../fields/secret.ts'
import { notSupportedYet, type Reading } from '../../fields.ts'
import type { Secret } from '../../secret.ts'

export interface GithubOptions {
  /** The web address, `https://github.com` by default. */
  baseUrl: URL
  /** Where its REST API is: `api.` before github.com and *.ghe.com, `/api/v3` on any other host. */
  apiUrl: URL
  token: Secret
  ca: string | null
}

const appKeys = [
  'app_id',
  'installation_id',
  'private_key',
  'private_key_env',
  'private_key_file',
  'private_key_credential',
]

/** How `github:` is written. */
export function githubOptions(reading: Reading): z.ZodType<GithubOptions> {
  const shape = {
    base_url: webAddress(reading).prefault('https://github.com'),
    ca_file: authoritiesFile(reading),
  }
  const withToken = mapping({ ...shape, token: secret(reading) }).transform(({ base_url, token, ca_file }) => ({
    ...addresses(base_url),
    token,
    ca: ca_file,
  }))
  return chosen((input) => {
    const written = appKeys.filter((key) => isTree(input) && valueAt(input, key) !== undefined)
    return written.length === 0 ? withToken : refusedApp(shape, written, reading)
  })
}

/** Told once, at the first of its keys; the others are known. */
function refusedApp(shape: Readonly<Record<string, z.ZodType>>, [first = '', ...others]: string[], reading: Reading) {
  return mapping({
    ...shape,
    token: optionalSecret(reading),
    [first]: notSupportedYet('the credentials of a GitHub App; give a token (token, token_env or token_file)'),
    ...Object.fromEntries(others.map((key) => [key, z.unknown()])),
  }).pipe(z.never())
}

/**
 * The web address and the REST API of what is written, be it the one or the other: `api.` before github.com and *.ghe.com,
 * a host `api.*` as it is, `/api/v3` on any other host (GitHub Enterprise Server).
 */
function addresses(written: URL): Pick<GithubOptions, 'baseUrl' | 'apiUrl'> {
  const baseUrl = new URL(written)
  const apiUrl = new URL(written)
  if (written.hostname.startsWith('api.')) {
    baseUrl.hostname = written.hostname.slice('api.'.length)
    baseUrl.pathname = written.pathname.replace(/\/api\/v3$/, '')
  } else if (written.hostname === 'github.com' || written.hostname.endsWith('.ghe.com')) {
    apiUrl.hostname = `api.${written.hostname}`
  } else {
    baseUrl.pathname = written.pathname.replace(/\/api\/v3$/, '')
    apiUrl.pathname = `${baseUrl.pathname.replace(/\/$/, '')}/api/v3`
  }
  return { baseUrl, apiUrl }
}
