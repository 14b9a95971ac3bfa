import { HttpResponse, http } from 'msw'
import { expect, test } from 'vitest'
import * as forgejo from '../forges/forgejo/world.ts'
import * as gitea from '../forges/gitea/world.ts'
import { aHookWish } from '../support/builders.ts'
import { network } from '../support/network.ts'

// A proxy that answers 200 or 204 with no body was read as `null`, which is how Forgejo says that it has no jobs: every queued job was
// over, every runner gone, and a second webhook was made beside the one that stood.
const never = () => new AbortController().signal
const wish = aHookWish()
const worlds = [
  { name: 'Forgejo', base: forgejo.base, open: () => forgejo.open({ jobs: [forgejo.aJob()] }) },
  { name: 'Gitea', base: gitea.base, open: () => gitea.open({ jobs: [gitea.aJob()] }) },
]

test.each(worlds.flatMap((world) => [200, 204].map((status) => ({ ...world, status }))))(
  'a $status without a body from $name says nothing of jobs, runners and webhooks',
  async ({ base, open, status }) => {
    const forge = open()
    network.use(http.get(`${base}/*`, () => new HttpResponse(null, { status })))
    const misshapen = { name: 'ForgeMisshapen' }
    await expect(forge.jobs({ labels: ['linux'], only: null }, never())).rejects.toMatchObject(misshapen)
    await expect(forge.runners(never())).rejects.toMatchObject(misshapen)
    await expect(forge.ensureHook?.(wish, never())).rejects.toMatchObject(misshapen)
  },
)
