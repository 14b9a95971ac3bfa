import { z } from 'zod'
import { webAddress } from '../../fields/address.ts'
import { authoritiesFile } from '../../fields/authorities.ts'
import { mapping, type Tell, type Tree, valueAt } from '../../fields/mapping.ts'
import { told } from '../../fields/refusal.ts'
import { optionalSecret } from '../../fields/secret.ts'
import type { Reading } from '../../fields.ts'
import type { Secret } from '../../secret.ts'
import { createHeldToken, type HeldToken } from './held-token.ts'

export interface GithubOptions {
  /** The web address, `https://github.com` by default. */
  baseUrl: URL
  /** Where its REST API is: `api.` before github.com and *.ghe.com, `/api/v3` on any other host. */
  apiUrl: URL
  /** What every call bears: as written, or that of the App's installation, which is empty until it was fetched. */
  token: Secret
  /** Null where a token is written. */
  app: GithubApp | null
  ca: string | null
}

/** A GitHub App, which acts by short-lived tokens of its installation. */
export interface GithubApp {
  /** Its app id or its client id. */
  id: string
  privateKey: Secret
  /** Null: it is found by the scope. */
  installation: string | null
  held: HeldToken
}

const suffixes = ['', '_env', '_file', '_credential']
const tokenKeys = suffixes.map((suffix) => `token${suffix}`)
const keyKeys = suffixes.map((suffix) => `private_key${suffix}`)

/** How `github:` is written: with a token, or with the credentials of a GitHub App. */
export function githubOptions(reading: Reading): z.ZodType<GithubOptions> {
  const shape = {
    base_url: webAddress(reading).prefault('https://github.com'),
    ca_file: authoritiesFile(reading),
    token: optionalSecret(reading),
    app_id: appId,
    private_key: optionalSecret(reading, 'pem'),
    installation_id: installationId,
  }
  return mapping(shape, (_, tell, written) => oneCredential(written, tell)).transform((fields) => {
    const { base_url, ca_file, token, app_id, private_key, installation_id } = fields
    const there = { ...addresses(base_url), ca: ca_file }
    if (token) return { ...there, token, app: null }
    const held = createHeldToken(`app:${app_id}`)
    reading.secrets.push(held.secret)
    // Of the two one is there, else `oneCredential` has refused the whole.
    const app = { id: app_id as string, privateKey: private_key as Secret, installation: installation_id, held }
    return { ...there, token: held.secret, app }
  })
}

/** Exactly one of a token and an App, and the App whole. */
function oneCredential(written: Tree, tell: Tell): void {
  const isWritten = (key: string) => (valueAt(written, key) ?? '') !== ''
  const app = ['app_id', ...keyKeys, 'installation_id'].find(isWritten)
  const token = tokenKeys.find(isWritten)
  if (app && token) tell([app], `expected either a token or a GitHub App, found ${token} and ${app}`)
  else if (app) {
    if (!isWritten('app_id')) tell(['app_id'], 'expected the app id or client id of the GitHub App, found nothing')
    if (!keyKeys.some(isWritten)) tell(['private_key'], `expected ${keyKeys.join(', ')}, found nothing`)
  } else if (!token) {
    tell(['token'], `expected ${tokenKeys.join(', ')}, or app_id and private_key_file of a GitHub App, found nothing`)
  }
}

/** `12345`, or a client id such as `Iv23liAbC…`: both stand in the settings of the App. */
const appId = idOf(/^(?:\d+|Iv[\w.]{6,})$/, 'the app id or client id of the GitHub App')
const installationId = idOf(/^\d+$/, 'the number at the end of the address of the installation')

function idOf(pattern: RegExp, expected: string): z.ZodType<string | null> {
  const error = told(expected)
  return z.preprocess(
    (written) => (typeof written === 'number' ? String(written) : written),
    z.string({ error }).regex(pattern, { error }).nullable().prefault(null),
  )
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
