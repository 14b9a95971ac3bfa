import { HttpResponse, http } from 'msw'
import { describe, expect, test } from 'vitest'
import type { Scope } from '../../../src/core/scope.ts'
import type { Forge, HookWish } from '../../../src/forges/forge.ts'
import { aHookWish } from '../../support/builders.ts'
import { exchangesOf } from '../../support/exchanges.ts'
import { network } from '../../support/network.ts'
import type { WorldHook } from '../contract.ts'
import * as forgejo from '../forgejo/world.ts'
import * as gitea from '../gitea/world.ts'
import { levels } from './world.ts'

// The traps of the hooks API that Forgejo and Gitea share, on each version of both.

const never = () => new AbortController().signal
const instance: Scope = { level: 'instance', owner: null, name: null }
const wish = aHookWish()
const theirs: WorldHook = { id: 70, url: 'https://other.example', secret: 'x', active: false, events: ['push'] }

const servers = [
  ...gitea.giteaVersions.map((version) => ({
    name: `Gitea ${version}`,
    base: gitea.base,
    needed: ['workflow_job'],
    open: (hooks: WorldHook[], scope?: Scope) => gitea.open({ version, state: { hooks }, ...(scope && { scope }) }),
  })),
  ...forgejo.forgejoVersions.map((version) => ({
    name: `Forgejo ${version}`,
    base: forgejo.base,
    needed: ['push'],
    open: (hooks: WorldHook[], scope?: Scope) => forgejo.open({ version, state: { hooks }, ...(scope && { scope }) }),
  })),
]

async function ensured(forge: Forge, over: Partial<HookWish> = {}) {
  const state = await forge.ensureHook?.({ ...wish, ...over }, never())
  if (!state) throw new Error('this scope has no hooks API')
  return state
}
const ours = (hooks: readonly WorldHook[]) => hooks.filter(({ url }) => url === wish.url)

describe.each(servers)('the webhook of $name', ({ base, needed, open }) => {
  test('is made once at every level, switched on, and sends what it has to', async () => {
    for (const scope of levels) {
      const hooks = [{ ...theirs }]
      const forge = open(hooks, scope)
      const { id, events } = await ensured(forge)
      expect(await ensured(forge, { known: { id, secretFits: true } })).toMatchObject({ id, done: 'kept' })
      expect(hooks).toMatchObject([theirs, { active: true, secret: wish.secret, template: false }])
      expect(events).toEqual(expect.arrayContaining([...needed]))
    }
  })

  test('comes with a note about each event that was dropped without a word', async () => {
    const { notes, events } = await ensured(open([]), { events: ['workflow_job', 'telepathy'] })
    expect(events).not.toContain('telepathy')
    expect(notes).toEqual([expect.stringContaining('telepathy')])
  })

  // An edit that leaves the events out resets them to `push`, and one that leaves the header out clears it.
  test('keeps its events and what was added to it when it is switched on again', async () => {
    const hooks: WorldHook[] = []
    const forge = open(hooks)
    const { id, events } = await ensured(forge)
    Object.assign(hooks[0] ?? {}, { active: false })
    const seen = await exchangesOf(() => ensured(forge, { known: { id, secretFits: true } }))
    expect(hooks).toMatchObject([{ active: true, events }])
    expect(seen.filter(({ method }) => method === 'PATCH')).toMatchObject([
      { sent: { events: expect.arrayContaining(['workflow_job']), branch_filter: '', authorization_header: '' } },
    ])
  })

  test.each<[string, Partial<WorldHook>]>([
    ['sends forms', { contentType: 'form' }],
    ['is switched off', { active: false }],
    ['lost its events', { events: ['delete'] }],
  ])('is mended when it %s', async (_, drift) => {
    const hooks: WorldHook[] = []
    const forge = open(hooks)
    const { id } = await ensured(forge)
    const [made] = hooks
    const before = structuredClone(made)
    Object.assign(made ?? {}, drift)
    expect(await ensured(forge, { known: { id, secretFits: true } })).toMatchObject({ id, done: 'repaired' })
    expect(hooks).toMatchObject([{ id: before?.id, active: true, contentType: 'json' }])
    expect(made?.events).toEqual(expect.arrayContaining([...needed]))
  })

  test('is made again after somebody removed it', async () => {
    const hooks: WorldHook[] = []
    const forge = open(hooks)
    const { id } = await ensured(forge)
    hooks.length = 0
    expect(await ensured(forge, { known: { id, secretFits: true } })).toMatchObject({ done: 'created' })
    expect(hooks).toHaveLength(1)
  })

  // The secret can neither be read nor changed.
  test('with another secret is there anew before the old one goes', async () => {
    const hooks = [{ ...theirs, id: 4, url: wish.url, secret: 'an old one', active: true }, { ...theirs }]
    const forge = open(hooks)
    const atDelete: string[][] = []
    network.use(
      http.delete(`${base}/*`, () => {
        atDelete.push(ours(hooks).map(({ secret }) => secret))
      }),
    )
    const state = await ensured(forge, { known: { id: '4', secretFits: false } })
    expect(state.done).toBe('replaced')
    expect(atDelete).toEqual([['an old one', wish.secret]])
    expect(hooks).toMatchObject([theirs, { id: Number(state.id), secret: wish.secret }])
  })

  test('with another secret stays while no new one can be made', async () => {
    const hooks = [{ ...theirs, id: 4, url: wish.url }]
    const forge = open(hooks)
    network.use(http.post(`${base}/*/hooks`, () => HttpResponse.json({ message: 'no' }, { status: 500 })))
    await expect(ensured(forge, { known: { id: '4', secretFits: false } })).rejects.toMatchObject({ status: 500 })
    expect(hooks).toHaveLength(1)
  })

  test('is one, whatever else has its URL, and nobody else loses any', async () => {
    const hooks: WorldHook[] = [{ ...theirs }]
    const forge = open(hooks)
    const { id } = await ensured(forge)
    const made = ours(hooks)[0] ?? theirs
    hooks.push({ ...made, id: 80 }, { ...made, id: 81 }, { ...theirs, id: 82 })
    await ensured(forge, { known: { id, secretFits: true } })
    expect(hooks.map((hook) => hook.id)).toEqual([70, Number(id), 82])
  })

  // A hook of an administrator is a template for new repositories unless it is said to be the system's.
  test('of the whole instance lets templates with its URL be', async () => {
    const template: WorldHook = { ...theirs, url: wish.url, template: true }
    const hooks = [template]
    const forge = open(hooks, instance)
    const { id } = await ensured(forge)
    expect(await ensured(forge, { known: { id, secretFits: true } })).toMatchObject({ id, done: 'kept' })
    expect(hooks).toMatchObject([template, { id: Number(id), template: false }])
  })

  test('that an administrator switched off for all is told of in plain words', async () => {
    const forge = open([])
    network.use(
      http.all(`${base}/*/hooks`, () =>
        HttpResponse.json({ message: 'webhooks disabled by administrator' }, { status: 403 }),
      ),
    )
    const error = await ensured(forge).catch((error: unknown) => error)
    expect(error).toMatchObject({ name: 'ForgeRefused', status: 403 })
    expect(String(error)).toContain('[security] DISABLE_WEBHOOKS')
    expect(await forge.probe(never())).toMatchObject({ hooks: false })
  })
})

test.each`
  url                            | gitea                         | forgejo
  ${'https://muster.example/x'}  | ${null}                       | ${null}
  ${'http://203.0.114.9:8090/x'} | ${null}                       | ${null}
  ${'http://127.0.0.1:8090/x'}   | ${'external, loopback'}       | ${'external, loopback'}
  ${'http://localhost:8090/x'}   | ${'external, loopback'}       | ${'external, loopback'}
  ${'http://[::1]:8090/x'}       | ${'external, loopback'}       | ${'external, loopback'}
  ${'http://10.0.0.7:8090/x'}    | ${'external, private'}        | ${'external, private'}
  ${'http://172.31.4.4/x'}       | ${'external, private'}        | ${'external, private'}
  ${'http://192.168.1.2/x'}      | ${'external, private'}        | ${'external, private'}
  ${'http://[fd00::7]/x'}        | ${'external, private'}        | ${'external, private'}
  ${'http://169.254.7.7/x'}      | ${'external, 169.254.7.7/32'} | ${'external, 169.254.7.7/32'}
  ${'http://100.101.102.103/x'}  | ${'external, 100.64.0.0/10'}  | ${null}
  ${'http://muster:8090/x'}      | ${'external, muster"'}        | ${'external, muster"'}
  ${'http://ci.internal/x'}      | ${'external, ci.internal'}    | ${'external, ci.internal'}
`('a webhook to $url needs $gitea at Gitea and $forgejo at Forgejo', async ({ url, ...allowed }) => {
  const notes = {
    gitea: (await ensured(gitea.open(), { url })).notes,
    forgejo: (await ensured(forgejo.open(), { url, events: [] })).notes.filter((note) => note.includes('goes to')),
  }
  for (const forge of ['gitea', 'forgejo'] as const) {
    expect(notes[forge]).toEqual(allowed[forge] === null ? [] : [expect.stringContaining(allowed[forge])])
  }
  if (allowed.gitea) expect(notes.gitea.join()).toContain('[security] ALLOWED_HOST_LIST')
  if (allowed.forgejo) expect(notes.forgejo.join()).toContain('[webhook] ALLOWED_HOST_LIST')
})
