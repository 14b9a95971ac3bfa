import { createHash, randomBytes, verify } from 'node:crypto'
import type { Context, Hono, MiddlewareHandler } from 'hono'
import type { GithubHost, SimulatedApp, SimulatedInstallation } from './github-host.ts'
import { time, userJson } from './github-payload.ts'
import { notFound } from './github-scope.ts'
import type { Site } from './site.ts'

const hour = 3_600_000

/** Who asks: by what a quota is counted and an `ETag` told apart. */
export type Asker = { Variables: { asker: string } }

/** Lets in the access token, tokens of installations, and, at its own addresses, the App itself. */
export function access(site: Site, host: GithubHost): MiddlewareHandler<Asker> {
  return async (c, next) => {
    c.header('date', new Date(host.now()).toUTCString())
    const given = /^(?:token|bearer) +(.+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? ''
    const path = c.req.path.replace(/^\/api\/v3/, '')
    if (/^\/app(?:\/|$)|\/installation$/.test(path)) {
      const refused = refusedJwt(host, given)
      if (refused) return c.json({ message: refused.message, documentation_url: '' }, refused.status)
      c.set('asker', `app ${host.app?.id}`)
    } else {
      const asker = askerOf(site, host, given)
      if (asker === null) return c.json({ message: 'Bad credentials', documentation_url: '', status: '401' }, 401)
      c.set('asker', asker)
      if (given === site.token && host.scopes !== null) c.header('x-oauth-scopes', host.scopes)
      if (host.denied.some((pattern) => pattern.test(`${c.req.method} ${path}`))) {
        const message = `Resource not accessible by ${given === site.token ? 'personal access token' : 'integration'}`
        return c.json({ message, documentation_url: '', status: '403' }, 403)
      }
    }
    c.header('x-github-api-version-selected', c.req.header('x-github-api-version') ?? '2022-11-28')
    return next()
  }
}

/** What belongs to the App rather than to an installation of it. */
export function mountApp(api: Hono<Asker>, site: Site, host: GithubHost): void {
  const find = (fits: (one: SimulatedInstallation) => boolean) => host.app?.installations.find(fits)
  const told = (c: Context, found: SimulatedInstallation | undefined) =>
    found ? c.json(installationJson(site, host, found)) : notFound(c)
  const ofOwner = (c: Context) => {
    const owner = c.req.param('owner')?.toLowerCase()
    return told(
      c,
      find((one) => one.owner.toLowerCase() === owner),
    )
  }
  api.get('/orgs/:owner/installation', ofOwner)
  api.get('/repos/:owner/:name/installation', ofOwner)
  api.get('/app/installations/:id', (c) =>
    told(
      c,
      find(({ id }) => String(id) === c.req.param('id')),
    ),
  )
  api.post('/app/installations/:id/access_tokens', (c) => {
    const installation = find(({ id }) => String(id) === c.req.param('id'))
    if (!installation) return notFound(c)
    if (installation.suspended) return c.json({ message: 'This installation has been suspended' }, 403)
    // Since April 2026 they are of no fixed length.
    const token = `ghs_${host.app?.id}_${randomBytes(120).toString('base64url')}`
    const expiresAt = host.now() + hour
    host.tokens.set(token, { installation, expiresAt })
    const { permissions } = installation
    return c.json({ token, expires_at: time(expiresAt), permissions, repository_selection: 'all' }, 201)
  })
}

/** The same text for the same token, which it does not tell. */
function askerOf(site: Site, host: GithubHost, token: string): string | null {
  const known = token === site.token || (host.tokens.get(token)?.expiresAt ?? 0) > host.now()
  return known ? createHash('sha256').update(token).digest('hex').slice(0, 16) : null
}

type Refused = { status: 401 | 404; message: string }

/** GitHub's words for what is wrong with a JWT; null when nothing is. */
function refusedJwt({ app, now }: GithubHost, jwt: string): Refused | null {
  const [head = '', body = '', signature = '', ...more] = jwt.split('.')
  const header = decoded(head)
  const claims = decoded(body)
  if (!header || !claims || more.length > 0 || header.alg !== 'RS256') return unreadable
  if (!app || String(claims.iss) !== app.id) return { status: 404, message: 'Integration not found' }
  if (!isSignedBy(app, `${head}.${body}`, signature)) return unreadable
  const seconds = now() / 1_000
  if (typeof claims.exp !== 'number' || claims.exp <= seconds) return { status: 401, message: expired }
  if (claims.exp > seconds + 600) return { status: 401, message: tooFar }
  if (typeof claims.iat !== 'number' || claims.iat > seconds) return { status: 401, message: fromTomorrow }
  return null
}

const unreadable: Refused = { status: 401, message: 'A JSON web token could not be decoded' }
const tooFar = "'Expiration time' claim ('exp') is too far in the future"
const expired =
  "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
const fromTomorrow = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"

function isSignedBy({ publicKey }: SimulatedApp, text: string, signature: string): boolean {
  return verify('RSA-SHA256', Buffer.from(text), publicKey, Buffer.from(signature, 'base64url'))
}

function decoded(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof value === 'object' && value !== null ? { ...value } : null
  } catch {
    return null
  }
}

function installationJson(site: Site, host: GithubHost, { id, owner, permissions, suspended }: SimulatedInstallation) {
  const url = `${site.url}/api/v3/app/installations/${id}`
  const at = time(0)
  return {
    id,
    account: userJson(site, owner, 1, 'Organization'),
    repository_selection: 'all',
    access_tokens_url: `${url}/access_tokens`,
    repositories_url: `${site.url}/api/v3/installation/repositories`,
    html_url: `${site.url}/organizations/${owner}/settings/installations/${id}`,
    app_id: Number(host.app?.id) || 1,
    app_slug: 'muster',
    target_id: 1,
    target_type: 'Organization',
    permissions,
    events: [],
    created_at: at,
    updated_at: at,
    single_file_name: null,
    suspended_by: null,
    suspended_at: suspended ? at : null,
  }
}
