import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { until } from '../journeys/until.ts'
import { chromiumPath, openBrowser, openPage, picture } from './chromium.ts'
import { type DemoInABrowser, startDemo, tokens } from './demo-in-a-browser.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const wide = { width: 1280, height: 860 }
const phone = { width: 360, height: 740 }

describe.skipIf(chromiumPath === null)('the dashboard in Chromium', () => {
  let browser: Browser
  let demo: DemoInABrowser

  beforeAll(async () => {
    ;[browser, demo] = await Promise.all([openBrowser(), startDemo()])
    demo.push('gitea', [{ name: 'build', labels: ['ubuntu-latest'], seconds: 0.5 }])
    demo.push('github', [
      { name: 'train', labels: ['self-hosted', 'linux', 'gpu'] },
      { name: 'publish', labels: ['self-hosted', 'linux'], seconds: 90 },
    ])
    await until('one job is over and two are open', async () => {
      const jobs = await demo.service.jobs()
      return ['finished', 'queued', 'running'].every((state) => jobs.some((job) => job.state === state))
    })
  })

  afterAll(async () => {
    await browser?.close()
    await demo?.end()
  })

  /** A page of the dashboard in a window of its own, until the test ends; it must leave no fault behind. */
  async function visit(path: string, options: BrowserContextOptions = {}, base = demo.url) {
    const opened = await openPage(browser, { viewport: wide, ...options })
    onTestFinished(async () => {
      await opened.context.close()
      expect(opened.faults).toEqual([])
    })
    await opened.page.goto(base + path)
    return opened
  }

  const finished = async () => {
    const { id } = (await demo.service.jobs()).find(({ state }) => state === 'finished') ?? {}
    return `/jobs/gitea/${id}`
  }

  const pages: [name: string, path: string | (() => Promise<string>)][] = [
    ['overview', '/'],
    ['jobs', '/jobs'],
    ['job', finished],
    ['runners', '/runners'],
    ['runners-gone', '/runners?show=gone'],
    ['dispatchers', '/dispatchers'],
    ['events', '/events'],
    ['instance', '/instances/github'],
  ]

  test.each(pages)('the page %s is sound in both themes, wide and on a phone', async (name, path) => {
    const { page } = await visit(typeof path === 'string' ? path : await path())
    await page.locator('#live[data-state="live"]').waitFor()
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      for (const viewport of [phone, wide]) {
        await page.setViewportSize(viewport)
        await picture(page, `${name}-${colorScheme}-${viewport.width}`, viewport === phone)
        expect([viewport.width, await sideways(page)]).toEqual([viewport.width, 0])
      }
      expect([colorScheme, await barriers(page)]).toEqual([colorScheme, []])
    }
  })

  test('a page follows a delivery by itself, and keeps what is typed, has focus and is scrolled to', async () => {
    const { page } = await visit('/jobs')
    await page.locator('#live[data-state="live"]').waitFor()
    const link = page.getByRole('link', { name: 'train', exact: true })
    await link.focus()
    demo.push('github', [{ name: 'a job of this moment', labels: ['self-hosted', 'linux', 'gpu'] }])
    await page.getByRole('link', { name: 'a job of this moment' }).waitFor()
    expect(await page.evaluate('document.activeElement.textContent')).toBe('train')
  })

  test('the overview draws the last hours, and its bars tell the same as its words', async () => {
    const { page } = await visit('/')
    await page.locator('#plot .uplot').waitFor()
    expect(await page.locator('#plot .uplot').getAttribute('aria-label')).toMatch(/samples at most \d+ jobs queued/)
    const github = page.getByRole('article', { name: 'github' })
    await github.getByText('1 busy').waitFor()
    expect(await github.locator('.bar rect.busy').getAttribute('width')).toBe('1')
    expect(await github.locator('.bar .ground').getAttribute('width')).toBe('4')
    await page.getByText('fits no target').or(page.getByText('fit no target')).first().waitFor()
  })

  test('the way of a job is drawn: it was queued, its runner booted, it ran', async () => {
    const { page } = await visit(await finished())
    expect(await page.locator('.timeline .bar-label').allTextContents()).toEqual([
      'In the queue',
      'Runner boots',
      'Runs',
    ])
    const [queue, , run] = await page.locator('.timeline .stretch').all()
    const x = async (stretch: typeof queue) => Number(await stretch?.getAttribute('x'))
    expect(await x(queue)).toBe(0)
    expect(await x(run)).toBeGreaterThan(0)
    await page.getByText('dispatch accepted').waitFor()
    expect(await page.getByRole('link', { name: 'at the forge' }).getAttribute('href')).toMatch(
      /^http:\/\/127\.0\.0\.1/,
    )
  })

  test('lists are filtered as soon as something is chosen, and go on where a page ends', async () => {
    const jobs = Array.from({ length: 60 }, (_, index) => ({ name: `needs-${index}`, labels: ['what-nobody-offers'] }))
    demo.push('gitea', jobs)
    await until(
      'they are known',
      async () => (await demo.service.list('jobs?instance=gitea&state=queued')).length === 60,
    )
    const { page } = await visit('/jobs')
    await page.getByLabel('Instance').selectOption('gitea')
    await page.waitForURL('**/jobs?instance=gitea')
    const names = () => page.locator('tbody th a').allTextContents()
    const first = await names()
    expect(first).toHaveLength(50)
    await page.getByRole('link', { name: 'Next page' }).click()
    await page.waitForURL('**cursor=**')
    const second = await names()
    expect(new Set([...first, ...second]).size).toBe(first.length + second.length)
    expect(first.length + second.length).toBe(60)
    await page.getByRole('link', { name: 'running', exact: true }).click()
    await page.getByText('No job fits this filter').waitFor()
    expect(await sideways(page)).toBe(0)
  })

  test('an operator pauses, resumes and looks, and comes back to the page', async () => {
    const { page } = await visit('/')
    const gitea = page.getByRole('article', { name: 'gitea' })
    await gitea.getByRole('button', { name: 'Pause gitea' }).click()
    await gitea.getByText('paused', { exact: true }).waitFor()
    expect((await demo.service.instance('gitea')).paused).toBe(true)
    expect(new URL(page.url()).pathname).toBe('/')
    await gitea.getByRole('button', { name: 'Resume gitea' }).click()
    await gitea.getByText('healthy').waitFor()
    expect((await demo.service.instance('gitea')).paused).toBe(false)
    await gitea.getByRole('button', { name: 'Look now gitea' }).click()
    await page.waitForLoadState()
    await page.goto(`${demo.url}/events?about=by+hand&instance=gitea`)
    expect((await page.locator('.event-what strong').allTextContents()).slice(0, 3)).toEqual([
      'look asked',
      'resumed',
      'paused',
    ])
  })

  test('everything is there without JavaScript', async () => {
    const { page } = await visit('/', { javaScriptEnabled: false })
    expect(await page.locator('#live').textContent()).toContain('without JavaScript')
    await page.getByRole('link', { name: 'Jobs', exact: true }).click()
    await page.getByLabel('Instance').selectOption('github')
    await page.getByRole('button', { name: 'Filter' }).click()
    await page.getByRole('link', { name: 'train', exact: true }).click()
    await page.getByRole('heading', { name: 'train' }).waitFor()
    await page.getByRole('link', { name: 'github', exact: true }).first().click()
    await page.getByRole('button', { name: 'Pause github' }).click()
    await page.getByRole('button', { name: 'Resume github' }).click()
    await page.getByRole('button', { name: 'Pause github' }).waitFor()
    expect((await demo.service.instance('github')).paused).toBe(false)
  })

  test('keys are enough: the content can be skipped to, a slash goes to the filter, and what has focus shows it', async () => {
    const { page } = await visit('/jobs')
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
    await page.keyboard.press('/')
    expect(await page.evaluate('document.activeElement.name')).toBe('instance')
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).not.toBe('none')
  })

  test('a chosen theme is kept, and set before anything is drawn', async () => {
    const { page } = await visit('/', { colorScheme: 'light' })
    await page.getByRole('button', { name: 'Dark theme' }).click()
    await page.reload({ waitUntil: 'commit' })
    await page.waitForFunction('document.body !== null')
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark')
    const paper = () => page.evaluate('getComputedStyle(document.body).backgroundColor')
    expect(await paper()).toBe('rgb(19, 22, 25)')
    await page.getByRole('button', { name: 'Light theme' }).click()
    expect(await paper()).toBe('rgb(246, 246, 243)')
  })

  test('names that strangers chose run nothing and break nothing', async () => {
    const names = [
      '<img src=x onerror=alert(1)>',
      '‮gnihton eb ot smees siht',
      'x'.repeat(10_000),
      '"><script>alert(1)</script>',
    ]
    demo.push(
      'github',
      names.map((name) => ({ name, labels: ['self-hosted', 'linux', '<b>label'] })),
    )
    await until('they are known', async () => (await demo.service.jobs()).some(({ name }) => name === names[3]))
    const { page } = await visit('/jobs?instance=github', { viewport: phone })
    page.on('dialog', () => expect.unreachable())
    const shown = page.getByRole('link', { name: '<img src=x onerror=alert(1)>' })
    await shown.waitFor()
    expect(await page.locator('main img, main script, main b').count()).toBe(0)
    expect(await sideways(page)).toBe(0)
    await picture(page, 'hostile-names-light-360', true)
    await page.getByRole('link', { name: /^x{80}…/ }).click()
    await page.getByRole('heading', { level: 1 }).waitFor()
    expect(await sideways(page)).toBe(0)
  })

  test('a page says when it is no longer true, and catches up', async () => {
    const { page, faults } = await visit('/jobs')
    const state = (name: string) => page.locator(`#live[data-state="${name}"]`).waitFor()
    await state('live')
    const needed = (count: number) => [{ name: `another-${count}`, labels: ['self-hosted', 'linux', 'gpu'] }]
    await page.route('**/jobs', (route) => route.abort())
    demo.push('github', needed(1))
    await state('stale')
    expect(await page.locator('#live').textContent()).toMatch(/^stale since \d/)
    await page.unroute('**/jobs')
    demo.push('github', needed(2))
    await state('live')
    await page.route('**/api/v1/events', (route) => route.abort())
    await page.reload()
    await state('reconnecting')
    await page.unroute('**/api/v1/events')
    await state('live')
    // That a request failed is what Chromium writes by itself.
    expect(faults.splice(0).filter((fault) => !/net::ERR_FAILED/.test(fault))).toEqual([])
  })

  test('what is not there is told by a page with a way back', async () => {
    for (const path of ['/nothing', '/jobs/gitea/404404', '/instances/nobody']) {
      const { page, context, faults } = await visit(path)
      await page.getByRole('heading', { name: 'There is nothing here' }).waitFor()
      expect(await barriers(page)).toEqual([])
      await page.getByRole('link', { name: 'To the overview' }).click()
      await page.getByRole('heading', { name: 'Overview' }).waitFor()
      expect(faults.splice(0).filter((fault) => !/status of 404/.test(fault))).toEqual([])
      await context.close()
    }
  })
})

describe.skipIf(chromiumPath === null)('the dashboard where tokens are asked for', () => {
  let browser: Browser
  let demo: DemoInABrowser

  beforeAll(async () => {
    ;[browser, demo] = await Promise.all([openBrowser(), startDemo({ guarded: true })])
  })

  afterAll(async () => {
    await browser?.close()
    await demo?.end()
  })

  // Chromium keeps a Secure cookie over plain http for localhost alone.
  const base = () => demo.url.replace('127.0.0.1', 'localhost')

  async function signIn(page: Page, token: string) {
    await page.getByLabel('Token').fill(token)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }

  async function visit(path: string) {
    const opened = await openPage(browser, { viewport: wide })
    onTestFinished(() => opened.context.close())
    const answer = await opened.page.goto(base() + path)
    return { ...opened, answer }
  }

  test('a page asks for a token, refuses a wrong one, and goes on where it was asked for', async () => {
    const { page, context, answer } = await visit('/jobs?state=finished')
    expect(answer?.status()).toBe(401)
    expect(await barriers(page)).toEqual([])
    await picture(page, 'sign-in-light-1280')
    await signIn(page, 'a-guess')
    await page.getByText('This is none of the tokens.').waitFor()
    await signIn(page, tokens.operate)
    await page.waitForURL('**/jobs?state=finished')
    await page.getByRole('heading', { name: 'Jobs' }).waitFor()
    const [cookie] = await context.cookies()
    expect(cookie).toMatchObject({ name: '__Host-muster', httpOnly: true, secure: true, sameSite: 'Strict', path: '/' })
    expect(cookie?.value).not.toContain(tokens.operate)
    await page.locator('#live[data-state="live"]').waitFor()
  })

  test('an operator has buttons and a reader has none', async () => {
    for (const [token, buttons] of [
      [tokens.read, 0],
      [tokens.operate, 6],
    ] as const) {
      const { page, context } = await visit('/')
      await signIn(page, token)
      await page.getByRole('heading', { name: 'Overview' }).waitFor()
      expect(await page.locator('main button').count()).toBe(buttons)
      await context.close()
    }
  })

  test('what a reader sends all the same is refused', async () => {
    const { page } = await visit('/')
    await signIn(page, tokens.read)
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    const status = await page.evaluate(
      `fetch('/instances/gitea/pause', { method: 'POST' }).then(({ status }) => status)`,
    )
    expect(status).toBe(403)
  })

  test('who signs out is asked again', async () => {
    const { page } = await visit('/')
    await signIn(page, tokens.operate)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Token').waitFor()
    await page.goto(`${base()}/`)
    await page.getByLabel('Token').waitFor()
  })
})

/** What keeps people out, by axe: only what it calls serious or critical. */
async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  const { violations } = await page.evaluate<Found>('axe.run()')
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`))
}

interface Found {
  violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[]
}

/** By how many pixels the page is wider than its window. */
function sideways(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
}
