import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const usual = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

/** The browser that the tests drive; null where none is installed. `.ci/chromium` installs one. */
export const chromiumPath: string | null =
  process.env.MUSTER_TEST_CHROMIUM || (usual.find((path) => existsSync(path)) ?? null)

/** A browser without a profile, which calls nobody by itself. */
export function openBrowser(): Promise<Browser> {
  if (chromiumPath === null) throw new Error('no Chromium is installed')
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  })
}
