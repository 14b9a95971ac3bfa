import type { Context, MiddlewareHandler } from 'hono'
import { deleteCookie, getCookie } from 'hono/cookie'
import type { Served } from '../peer.ts'
import { sessionCookie } from '../session.ts'
import type { Assets } from './assets.ts'
import { loginPage } from './login.ts'
import { type Trouble, troublePage } from './trouble.ts'

/** Shows a problem to who came with a browser as a page, with the same status; whoever asks for anything else gets the problem itself. */
export function problemsAsPages(assets: Assets): MiddlewareHandler<Served> {
  return async (c, next) => {
    await next()
    if (!c.res.headers.get('content-type')?.startsWith('application/problem+json') || !isBrowsing(c)) return
    const trouble = (await c.res.json()) as Trouble
    // Its other headers stay.
    c.res = await page(c, trouble)
  }

  function page(c: Context<Served>, trouble: Trouble): Response | Promise<Response> {
    const status = trouble.status as 401
    if (status !== 401) {
      if (trouble.status === 503) c.header('refresh', '10')
      return c.html(troublePage({ assets }, trouble), status)
    }
    const { pathname, search } = new URL(c.req.url)
    if (getCookie(c, sessionCookie) !== undefined) deleteCookie(c, sessionCookie, { path: '/', secure: true })
    // The cookie does not come along from a link on another site; it does when our own page asks once more.
    else if (c.req.header('sec-fetch-site') === 'cross-site') c.header('refresh', '0')
    return c.html(loginPage({ assets }, { next: c.req.method === 'GET' ? pathname + search : '/', refused: null }), 401)
  }
}

function isBrowsing(c: Context<Served>): boolean {
  return /\btext\/html\b/i.test(c.req.header('accept') ?? '') && !/^\/(?:api|metrics|readyz)(?:\/|$)/.test(c.req.path)
}
