import { type Context, Hono } from 'hono'
import { deleteCookie, setCookie } from 'hono/cookie'
import { HTTPException } from 'hono/http-exception'
import { eventAbout } from '../../core/event.ts'
import { instanceNamed } from '../api-deps.ts'
import { holderOf } from '../auth.ts'
import { readBody } from '../body.ts'
import { callerOf, peerOf, type Served } from '../peer.ts'
import { retryJob } from '../retry-api.ts'
import { createSession, sessionCookie, sessionLife } from '../session.ts'
import type { Assets } from './assets.ts'
import type { DashboardDeps } from './deps.ts'
import { dispatchersPage } from './dispatchers.ts'
import { eventsPage } from './events.ts'
import { frame, type Page, type Visit } from './frame.ts'
import { instancePage } from './instance.ts'
import { jobPage } from './job.ts'
import { jobsPage } from './jobs.ts'
import { loginPage, notKeptPage, ownPath } from './login.ts'
import { overviewPage } from './overview.ts'
import { runnersPage } from './runners.ts'

/** Forms of the pages: what a browser may send here without JSON, from a page of ours. */
export const formPaths: ReadonlySet<string> = new Set([
  '/login',
  '/logout',
  '/instances/:name/pause',
  '/instances/:name/resume',
  '/instances/:name/look',
  '/jobs/:instance/:id/retry',
])

const plotting = ['uplot.js', 'plot.js']
/** Bytes of a form. */
const longestForm = 16 * 1024

/** The pages. Who may see and do what is in `access.ts`. */
export function dashboard(deps: DashboardDeps, assets: Assets): Hono<Served> {
  const visitOf = (c: Context<Served>): Visit => {
    const { pathname, search } = new URL(c.req.url)
    const needsToken = deps.config().admin.tokens.length > 0
    const role = c.get('role')
    return { assets, now: deps.clock.now(), role, who: needsToken ? callerOf(c) : null, here: pathname + search }
  }
  const show = (c: Context<Served>, visit: Visit, page: Page) => c.html(frame(visit, page))
  const app = new Hono<Served>()

  app.get('/', async (c) => {
    const visit = visitOf(c)
    const body = await overviewPage(deps, visit, c.req.query())
    return show(c, visit, { title: 'Overview', section: 'overview', body, scripts: plotting })
  })
  app.get('/jobs', async (c) => {
    const visit = visitOf(c)
    return show(c, visit, { title: 'Jobs', section: 'jobs', body: await jobsPage(deps, visit, c.req.query()) })
  })
  app.get('/jobs/:instance/:id', async (c) => {
    const visit = visitOf(c)
    const { instance, id } = c.req.param()
    const page = await jobPage(deps, visit, instance, id, roundOf(c.req.query('round')))
    if (!page) throw new HTTPException(404, { message: 'no such job is known, or no such round of it' })
    return show(c, visit, { ...page, section: 'jobs' })
  })
  app.get('/runners', async (c) => {
    const visit = visitOf(c)
    return show(c, visit, { title: 'Runners', section: 'runners', body: await runnersPage(deps, visit, c.req.query()) })
  })
  app.get('/dispatchers', async (c) => {
    const visit = visitOf(c)
    return show(c, visit, { title: 'Dispatchers', section: 'dispatchers', body: await dispatchersPage(deps, visit) })
  })
  app.get('/events', async (c) => {
    const visit = visitOf(c)
    return show(c, visit, { title: 'Events', section: 'events', body: await eventsPage(deps, visit, c.req.query()) })
  })
  app.get('/instances/:name', async (c) => {
    const visit = visitOf(c)
    const { name } = c.req.param()
    const body = await instancePage(deps, visit, name)
    if (!body) throw new HTTPException(404, { message: 'no instance of this name is configured' })
    return show(c, visit, { title: name.slice(0, 60), section: 'overview', body, scripts: plotting })
  })
  app.get('/static/:file', (c) => {
    const answer = assets.answer(c, c.req.param('file'))
    if (!answer) throw new HTTPException(404, { message: 'there is nothing at this path' })
    return answer
  })
  addActions(app, deps)
  addLogin(app, deps, assets)
  return app
}

/** Pause, resume, look and retry, each back to the page that asked. */
function addActions(app: Hono<Served>, deps: DashboardDeps): void {
  const { store, clock, workers } = deps
  const named = (name: string) => {
    if (!instanceNamed(deps, name)) throw new HTTPException(404, { message: 'no instance of this name is configured' })
    return name
  }
  const back = async (c: Context<Served>) => c.redirect(ownPath((await form(c)).get('back') ?? undefined), 303)

  app.post('/instances/:name/pause', async (c) => {
    await store.pause(named(c.req.param('name')), { at: clock.now(), by: callerOf(c), reason: null })
    return back(c)
  })
  app.post('/instances/:name/resume', async (c) => {
    await store.resume(named(c.req.param('name')), { at: clock.now(), by: callerOf(c), reason: null })
    return back(c)
  })
  app.post('/instances/:name/look', async (c) => {
    const instance = named(c.req.param('name'))
    workers.get(instance)?.lookNow()
    await store.append([eventAbout('look_asked', { at: clock.now(), instance }, { by: callerOf(c) })])
    return back(c)
  })
  app.post('/jobs/:instance/:id/retry', async (c) => {
    const { instance, id } = c.req.param()
    await retryJob(deps, instance, id, callerOf(c))
    return back(c)
  })
}

/** A token for a session, and out again. */
function addLogin(app: Hono<Served>, { config, clock, badTokens }: DashboardDeps, assets: Assets): void {
  app.get('/login', (c) => {
    const next = ownPath(c.req.query('next'))
    if (config().admin.tokens.length === 0) return c.redirect(next, 303)
    return c.html(loginPage({ assets }, { next, refused: null }))
  })
  app.post('/login', async (c) => {
    const given = await form(c)
    const next = ownPath(given.get('next') ?? undefined)
    const token = given.get('token')?.trim() ?? ''
    const { tokens } = config().admin
    if (tokens.length === 0) return c.redirect(next, 303)
    const holder = token === '' ? null : holderOf(token, tokens)
    if (!holder) {
      const wait = badTokens.failed(peerOf(c))
      const refused =
        wait === null ? 'This is none of the tokens.' : `Too many wrong tokens. Wait ${wait} s, then try again.`
      if (wait !== null) c.header('retry-after', String(wait))
      return c.html(loginPage({ assets }, { next, refused }), wait === null ? 401 : 429)
    }
    const kept = { path: '/', secure: true, httpOnly: true, sameSite: 'Strict', maxAge: sessionLife / 1_000 } as const
    setCookie(c, sessionCookie, createSession(holder, clock.now()), kept)
    return c.redirect(`/login/done?next=${encodeURIComponent(next)}`, 303)
  })
  // Only here it can be seen whether the browser kept the cookie.
  app.get('/login/done', (c) => {
    const isKept = c.req.header('cookie')?.includes(`${sessionCookie}=`) ?? false
    return isKept ? c.redirect(ownPath(c.req.query('next')), 303) : c.html(notKeptPage({ assets }))
  })
  app.post('/logout', (c) => {
    deleteCookie(c, sessionCookie, { path: '/', secure: true })
    return c.redirect('/login', 303)
  })
}

async function form(c: Context<Served>): Promise<URLSearchParams> {
  const body = await readBody(c, longestForm)
  if (body.kind !== 'whole') throw new HTTPException(413, { message: 'the form is too large, or did not come whole' })
  return new URLSearchParams(Buffer.from(body.bytes).toString())
}

function roundOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined
}
