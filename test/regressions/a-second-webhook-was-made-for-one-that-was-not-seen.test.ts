import { HttpResponse, http } from 'msw'
import { expect, test } from 'vitest'
import * as forgejo from '../forges/forgejo/world.ts'
import * as gitea from '../forges/gitea/world.ts'
import { aHookWish } from '../support/builders.ts'
import { network } from '../support/network.ts'

const wish = aHookWish()
const { url } = wish

// What a list did not show was taken to be missing, although the list itself said that it was not whole.
test.each([
  ['Forgejo', forgejo],
  ['Gitea', gitea],
] as const)('no webhook is made at %s while its list holds fewer than it counts', async (_, { base, open }) => {
  const hooks = [{ id: 4, url, secret: 's', active: true, events: ['workflow_job'] }]
  const forge = open({ state: { hooks } })
  const counted = () => HttpResponse.json([], { headers: { 'x-total-count': '1' } })
  network.use(http.get(`${base}/*/hooks`, counted))
  await expect(forge.ensureHook?.(wish, new AbortController().signal)).rejects.toMatchObject({ name: 'ForgeMisshapen' })
  expect(hooks).toHaveLength(1)
})
