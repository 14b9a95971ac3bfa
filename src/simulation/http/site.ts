import { createAdaptorServer } from '@hono/node-server'
import type { Context } from 'hono'
import type { Scope } from '../../core/scope.ts'
import type { SimulatedForge } from '../forge.ts'
import type { Attempt } from './deliver.ts'
import type { GithubHost } from './github-host.ts'

/** A simulated forge as its visitors find it. */
export interface Site {
  forge: SimulatedForge
  /** Without a slash at its end; empty until it listens. */
  url: string
  /** The one access token that it takes. */
  token: string
  /** What the token may touch: `all`, or groups of `repository`, `organization`, `user`, `admin` (Forgejo and Gitea). */
  tokenScopes: readonly string[]
  /** Whose token it is. */
  user: string
  /** The longest page that it gives (Forgejo and Gitea: `[api] MAX_RESPONSE_ITEMS`). */
  maxResponseItems: number
  /** What its deliveries came to, once there is a courier. */
  attempts?: () => readonly Attempt[]
  /** What kind of GitHub it is; the usual one where it is left out. */
  github?: GithubHost
}

export interface Listening {
  url: string
  close(): Promise<void>
}

/** Serves on a free port of the loopback. */
export function listen(answer: (request: Request) => Response | Promise<Response>): Promise<Listening> {
  const server = createAdaptorServer({ fetch: answer })
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      if ('closeAllConnections' in server) server.closeAllConnections()
    })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address ? address.port : 0
      resolve({ url: `http://127.0.0.1:${port}`, close })
    })
  })
}

/** The scope that a path speaks of; null when the forge has no such place. */
export function scopeAt({ forge, user }: Site, level: Scope['level'], c: Context): Scope | null {
  const owner = c.req.param('owner') ?? ''
  const name = c.req.param('name') ?? ''
  switch (level) {
    case 'repository': {
      const repository = forge.repository(owner, name)
      return repository && { level, owner: repository.owner, name: repository.name }
    }
    case 'organization': {
      const homes = [...forge.ground.repositories.values()].filter(({ ownerKind }) => ownerKind === 'organization')
      const home = homes.find((one) => one.owner.toLowerCase() === owner.toLowerCase())
      return home ? { level, owner: home.owner, name: null } : null
    }
    case 'user':
      return { level, owner: user, name: null }
    case 'enterprise':
      return { level, owner, name: null }
    case 'instance':
      return { level, owner: null, name: null }
  }
}
