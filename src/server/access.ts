import type { Role } from '../config/config.ts'

/** `open` asks for no token; a role includes those below it. `dispatch` is for the token of the dispatcher API, and for who may operate. */
export type Access = Role | 'open' | 'dispatch'

/** Who may call what on the admin listener. A route that is not listed here is closed to everyone. */
export const access: ReadonlyMap<string, Access> = new Map([
  ['GET /readyz', 'open'],
  ['GET /metrics', 'read'],
  ['GET /', 'read'],
  ['GET /jobs', 'read'],
  ['GET /jobs/:instance/:id', 'read'],
  ['GET /runners', 'read'],
  ['GET /dispatchers', 'read'],
  ['GET /events', 'read'],
  ['GET /instances/:name', 'read'],
  ['POST /instances/:name/pause', 'operate'],
  ['POST /instances/:name/resume', 'operate'],
  ['POST /instances/:name/look', 'operate'],
  ['POST /jobs/:instance/:id/retry', 'operate'],
  ['GET /static/:file', 'open'],
  ['GET /login', 'open'],
  ['POST /login', 'open'],
  ['GET /login/done', 'open'],
  ['POST /logout', 'open'],
  ['GET /api/v1/openapi.json', 'read'],
  ['GET /api/v1/instances', 'read'],
  ['GET /api/v1/instances/:name', 'read'],
  ['GET /api/v1/targets', 'read'],
  ['GET /api/v1/dispatchers', 'read'],
  ['GET /api/v1/jobs', 'read'],
  ['GET /api/v1/jobs/:instance/:id', 'read'],
  ['GET /api/v1/runners', 'read'],
  ['GET /api/v1/dispatches', 'read'],
  ['GET /api/v1/requests', 'read'],
  ['GET /api/v1/events', 'read'],
  ['GET /api/v1/history', 'read'],
  ['POST /api/v1/instances/:name/pause', 'operate'],
  ['POST /api/v1/instances/:name/resume', 'operate'],
  ['POST /api/v1/instances/:name/look', 'operate'],
  ['POST /api/v1/jobs/:instance/:id/retry', 'operate'],
  ['POST /api/v1/dispatches/:id/release', 'operate'],
  ['POST /api/v1/requests/:id/cancel', 'operate'],
  ['POST /api/v1/reload', 'admin'],
  ['POST /api/v1/dispatch', 'dispatch'],
  ['POST /instances/:name/api/v1/dispatch', 'dispatch'],
])

const rank: Record<Role, number> = { read: 0, operate: 1, admin: 2 }

export function includes(role: Role, needed: Role): boolean {
  return rank[role] >= rank[needed]
}
