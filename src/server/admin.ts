import { Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import type { Config } from '../config/config.ts'
import type { Metrics } from '../metrics.ts'
import { type Store, StoreUnavailable } from '../store/store.ts'
import { api } from './api.ts'
import type { ApiDeps } from './api-deps.ts'
import { authorize } from './auth.ts'
import { knownHost, sameSite } from './browser-guards.ts'
import { dispatchErrors, dispatchPaths } from './dispatch-api.ts'
import { home } from './home.ts'
import type { Served } from './peer.ts'
import { answerErrors, problem, unknownPath } from './problem.ts'

export interface AdminDeps extends ApiDeps {
  config: () => ReturnType<ApiDeps['config']> & Pick<Config, 'admin'>
  store: ApiDeps['store'] & Pick<Store, 'ready'>
  metrics: Pick<Metrics, 'registry'>
}

/** The admin listener: probe, metrics, a page, and the API. Who may call what is in `access.ts`. */
export function adminApp(deps: AdminDeps): Hono<Served> {
  const { config, store, metrics, clock, stopping } = deps
  const app = new Hono<Served>()
    .onError(answerErrors(deps))
    .notFound(unknownPath)
    .use(
      secureHeaders({
        contentSecurityPolicy: {
          defaultSrc: ["'none'"],
          baseUri: ["'none'"],
          formAction: ["'none'"],
          frameAncestors: ["'none'"],
        },
        xFrameOptions: 'DENY',
        // Whether it is reached over TLS is for the proxy in front of it to say.
        strictTransportSecurity: false,
      }),
    )
    .use(async (c, next) => {
      await next()
      c.header('cache-control', 'no-store')
    })
  for (const path of dispatchPaths) app.use(path, dispatchErrors())
  return app
    .use(knownHost(() => config().admin))
    .use(authorize(config, clock))
    .use(sameSite())
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
    .get('/', (c) => c.html(home(config().instances)))
    .route('/', api(deps))
}
