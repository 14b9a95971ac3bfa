import { Hono } from 'hono'
import { compress } from 'hono/compress'
import { matchedRoutes } from 'hono/route'
import { secureHeaders } from 'hono/secure-headers'
import type { Metrics } from '../metrics.ts'
import { type Store, StoreUnavailable } from '../store/store.ts'
import { api } from './api.ts'
import { createAttempts } from './attempts.ts'
import { authorize } from './auth.ts'
import { knownHost, sameSite } from './browser-guards.ts'
import { loadAssets } from './dashboard/assets.ts'
import { dashboard, formPaths } from './dashboard/dashboard.ts'
import type { DashboardDeps } from './dashboard/deps.ts'
import { problemsAsPages } from './dashboard/problems-as-pages.ts'
import { dispatchErrors, dispatchPaths } from './dispatch-api.ts'
import type { Served } from './peer.ts'
import { answerErrors, problem, unknownPath } from './problem.ts'

export interface AdminDeps extends Omit<DashboardDeps, 'badTokens'> {
  store: DashboardDeps['store'] & Pick<Store, 'ready'>
  metrics: Pick<Metrics, 'registry'>
}

/** The admin listener: probe, metrics, the dashboard, and the API. Who may call what is in `access.ts`. */
export function adminApp(deps: AdminDeps): Hono<Served> {
  const { config, store, metrics, clock, stopping } = deps
  const assets = loadAssets()
  const badTokens = createAttempts(clock)
  const app = new Hono<Served>()
    .onError(answerErrors(deps))
    .notFound(unknownPath)
    .use(
      secureHeaders({
        contentSecurityPolicy: {
          defaultSrc: ["'none'"],
          scriptSrc: ["'self'"],
          styleSrc: ["'self'"],
          imgSrc: ["'self'"],
          connectSrc: ["'self'"],
          frameAncestors: ["'none'"],
          baseUri: ["'none'"],
          formAction: ["'self'"],
        },
        xFrameOptions: 'DENY',
        // With none at all, browsers would hide from us which page a form was sent from.
        referrerPolicy: 'same-origin',
        // Whether it is reached over TLS is for the proxy in front of it to say.
        strictTransportSecurity: false,
      }),
    )
    .use(async (c, next) => {
      await next()
      if (!c.res.headers.has('cache-control')) c.header('cache-control', 'no-store')
    })
    .use(compress())
    .use(problemsAsPages(assets))
  for (const path of dispatchPaths) app.use(path, dispatchErrors())
  return app
    .use(knownHost(() => config().admin))
    .use(authorize(config, clock, badTokens))
    .use(sameSite((c) => matchedRoutes(c).some(({ method, path }) => method === 'POST' && formPaths.has(path))))
    .get('/readyz', async (c) => {
      if (stopping.aborted) return problem(c, 503, 'the service is stopping')
      try {
        await store.ready()
        return c.text('ready')
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
        return problem(c, 503, 'the state cannot be written now')
      }
    })
    .get('/metrics', async (c) =>
      c.body(await metrics.registry.metrics(), 200, { 'content-type': metrics.registry.contentType }),
    )
    .route('/', dashboard({ ...deps, badTokens }, assets))
    .route('/', api(deps))
}
