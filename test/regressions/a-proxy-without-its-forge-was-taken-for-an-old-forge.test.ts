import { HttpResponse, http } from 'msw'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import type { Capabilities } from '../../src/forges/forge.ts'
import { createLog } from '../../src/log.ts'
import { Scrubber } from '../../src/secret.ts'
import { observe } from '../../src/worker/observe.ts'
import * as forgejo from '../forges/forgejo/world.ts'
import * as gitea from '../forges/gitea/world.ts'
import { aTarget } from '../support/builders.ts'
import { network } from '../support/network.ts'

// A reverse proxy whose forge is restarting, and a forge whose repository was renamed, answer 404. That was read as "this version has no
// such list": the look was whole and without fault, a forge with job lists was treated as one without, and what was found out so at the
// start was believed until the next one.
const never = () => new AbortController().signal
const worlds = [
  { name: 'Forgejo', base: forgejo.base, open: () => forgejo.open({ jobs: [forgejo.aJob()] }) },
  { name: 'Gitea', base: gitea.base, open: () => gitea.open({ jobs: [gitea.aJob()] }) },
]
const log = createLog({ scrubber: new Scrubber(), level: 'silent' })

function looksAt(forge: Parameters<typeof observe>[0]['forge']) {
  return { forge, lanes: new Map(), targets: [aTarget()], clock: systemClock, log }
}

const asking = (known: Capabilities | null = null) => ({ known, only: null, recover: null })

function nobodyThere(base: string) {
  network.use(http.all(`${base}/*`, () => new HttpResponse('404 page not found\n', { status: 404 })))
}

test.each(worlds)(
  'a look at $name that finds nothing but 404 failed, and nobody knows what it lists',
  async (world) => {
    const deps = looksAt(world.open())
    nobodyThere(world.base)
    const seen = await observe(deps, asking(), never())
    expect(seen).toMatchObject({ capabilities: null, jobsListed: null, look: { jobs: null, runners: null } })
    expect(seen).toMatchObject({ error: expect.any(String), result: { complete: false, jobsComplete: false } })
  },
)

test.each(worlds)('the lists that $name had are not gone for good when they are not found', async ({ base, open }) => {
  const deps = looksAt(open())
  const { capabilities, ...before } = await observe(deps, asking(), never())
  expect(before).toMatchObject({ jobsListed: true, error: null, result: { complete: true } })
  nobodyThere(base)
  const seen = await observe(deps, asking(capabilities), never())
  expect(seen).toMatchObject({
    jobsListed: null,
    error: expect.stringContaining('renamed'),
    result: { complete: false },
  })
})

test.each([
  ['Forgejo 14', () => forgejo.open({ version: 14 }), { jobsListed: true }],
  ['Gitea 1.24', () => gitea.open({ version: '1.24' }), { jobsListed: false }],
])('a look at %s, which has not every list, is whole all the same', async (_, open, lists) => {
  expect(await observe(looksAt(open()), asking(), never())).toMatchObject({
    ...lists,
    error: null,
    result: { complete: true, jobsComplete: true },
  })
})
