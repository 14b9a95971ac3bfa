import { existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const usual = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** The browser that the tests drive; null where there is none. `.ci/chromium` installs one. */
export const chromiumPath: string | null =
  process.env.MUSTER_TEST_CHROMIUM || (usual.find((path) => existsSync(path)) ?? null)

if (chromiumPath === null)
  console.warn(
    'No Chromium: the dashboard is not tried in a browser. Install one (.ci/chromium), or set MUSTER_TEST_CHROMIUM.',
  )

const quiet = ['gpu', 'background-networking', 'component-update', 'sync', 'extensions', 'dev-shm-usage']

/** A browser without a profile, which calls nobody by itself. */
export function openBrowser(): Promise<Browser> {
  if (chromiumPath === null) throw new Error('there is no Chromium')
  // Inside containers and for root there is no sandbox to be had, and all that it visits are pages of ours.
  const args = ['--no-sandbox', '--no-first-run', ...quiet.map((what) => `--disable-${what}`)]
  return chromium.launch({ executablePath: chromiumPath, headless: true, args })
}

/** A page, with all that its browser found wrong with it: errors on the console, exceptions, and what the content security policy stopped. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}) {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  const faults: string[] = []
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
  page.on('pageerror', (error) => faults.push(error.message))
  await page.addInitScript(
    `addEventListener('securitypolicyviolation', (event) => console.error('stopped by', event.violatedDirective, event.blockedURI))`,
  )
  return { page, faults, context }
}

const shots = resolve(import.meta.dirname, '../../test-output')

/** Keeps what the page looks like, for people. */
export async function picture(page: Page, name: string, fullPage = false): Promise<void> {
  mkdirSync(shots, { recursive: true })
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage })
}
