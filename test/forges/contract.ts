import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Forge, HookWish, RawDelivery } from '../../src/forges/forge.ts'
import { aHookWish } from '../support/builders.ts'
import { badAnswersContract } from './bad-answers.ts'

/** A hook as the forge keeps it; the secret is known to the fake alone. */
export interface WorldHook {
  id: number
  url: string
  secret: string
  active: boolean
  events: readonly string[]
  /** What it is asked to send. Default `json`. */
  contentType?: string
  /** An `Authorization` header that it sends along. */
  header?: string
  /** A template for new repositories, which sends nothing itself and is in another list. */
  template?: boolean
}

/** What there is on the forge. */
export interface WorldState {
  /** The webhook secrets of the instance. */
  secrets: readonly string[]
  /** So many queued jobs, with the ids 1 to n and the label `linux`. */
  jobs: number
  /** So many idle runners, with the ids 1 to n. */
  runners: number
  /** So many more are counted by the lists than they hold. */
  uncounted: number
  /** Hooks in the order in which the forge lists them; the fake changes this very array. */
  hooks: WorldHook[]
}

/** One forge, spoken by handlers on `network`, that can be given any state. */
export interface ForgeWorld {
  /** Everything the forge is asked lies below this. */
  base: string
  /** The token with which it is asked; handlers answer 401 to any other. */
  token: string
  /** Whether its lists tell how many they should hold. */
  counts: { jobs: boolean; runners: boolean }
  /** Puts the state on the network, and makes the forge under test for the repository `acme/widgets`. */
  open(state: WorldState): Forge
  /** What it sends when a job of that repository (`owner/name`) is queued, signatures left out. */
  queued(repository: string): { headers: Record<string, string>; payload: unknown }
}

const secret = 'a webhook secret'
const nothing: WorldState = { secrets: [secret], jobs: 0, runners: 0, uncounted: 0, hooks: [] }
const never = () => new AbortController().signal
const wish = aHookWish({ secret })
const ours = wish.url
/** The same bytes with the signature that GitHub, Gitea and Forgejo all send. */
export function signed(headers: Record<string, string>, body: Uint8Array | string, key = secret): RawDelivery {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  const hex = createHmac('sha256', key).update(bytes).digest('hex')
  return { headers: { ...headers, 'x-hub-signature-256': `sha256=${hex}` }, body: bytes }
}

function aHook(over: Partial<WorldHook> = {}): WorldHook {
  return { id: 1, url: ours, secret, active: true, events: ['workflow_job'], ...over }
}

function foreignHooks(count: number): WorldHook[] {
  return Array.from({ length: count }, (_, index) =>
    aHook({ id: 1_000 + index, url: `https://other.example/${index}`, secret: 'theirs', events: ['push'] }),
  )
}

/** What every forge promises in `src/forges/forge.ts`. */
export function forgeContract(name: string, world: ForgeWorld): void {
  const open = (state: Partial<WorldState> = {}) => world.open({ ...nothing, ...state })
  const delivered = (repository = 'acme/widgets') => {
    const { headers, payload } = world.queued(repository)
    return { headers, body: JSON.stringify(payload) }
  }

  describe(`${name}, like every forge, reads a delivery and`, () => {
    test('never throws, whatever the bytes and the headers', async () => {
      const forge = open()
      const names = Object.keys(world.queued('acme/widgets').headers)
      const headers = fc.dictionary(fc.constantFrom(...names, 'x-hub-signature-256', 'content-type'), fc.string())
      const body = fc.oneof(
        fc.uint8Array(),
        fc.json().map((text) => new TextEncoder().encode(text)),
      )
      await fc.assert(
        fc.asyncProperty(headers, body, fc.boolean(), async (headers, body, sign) => {
          const reading = await forge.read(sign ? signed(headers, body) : { headers, body })
          expect(reading).toHaveProperty('kind')
        }),
      )
    })

    test('never throws on a signed event of its own with any field replaced', async () => {
      const forge = open()
      const { headers, payload } = world.queued('acme/widgets')
      const places = leaves(payload)
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...places), fc.jsonValue(), async (place, value) => {
          const reading = await forge.read(signed(headers, JSON.stringify(replaced(payload, place, value))))
          expect(['jobs', 'nudge', 'ignored', 'invalid']).toContain(reading.kind)
        }),
      )
    })

    test('tells a queued job with its repository, as text and in our words', async () => {
      const { headers, body } = delivered()
      const reading = await open().read(signed(headers, body))
      expect(reading).toMatchObject({ kind: 'jobs', jobs: [{ state: 'queued', repository: 'acme/widgets' }] })
      expect(reading).toMatchObject({ id: expect.any(String), jobs: [{ id: expect.any(String), runnerName: null }] })
    })

    test('parses nothing that is not signed', async () => {
      const { headers, body } = delivered()
      const forge = open()
      for (const bytes of [body, 'not json', 'payload=1', '']) {
        const delivery = { headers, body: new TextEncoder().encode(bytes) }
        expect(await forge.read(delivery)).toEqual({ kind: 'unauthorized' })
        expect(await forge.read(signed(headers, bytes, 'another secret'))).toEqual({ kind: 'unauthorized' })
      }
    })

    test('lets nobody in where there is no secret', async () => {
      const { headers, body } = delivered()
      expect(await open({ secrets: [] }).read(signed(headers, body))).toEqual({ kind: 'unauthorized' })
    })

    test('accepts each secret while they are rotated, and says which', async () => {
      const { headers, body } = delivered()
      const forge = open({ secrets: ['the new one', secret] })
      expect(await forge.read(signed(headers, body, 'the new one'))).toMatchObject({ kind: 'jobs', secret: 0 })
      expect(await forge.read(signed(headers, body))).toMatchObject({ kind: 'jobs', secret: 1 })
    })

    test.each(['{"action":', '', 'null', '[]', '42'])('calls signed %j invalid under its job event', async (body) => {
      expect(await open().read(signed(delivered().headers, body))).toMatchObject({ kind: 'invalid' })
    })

    test('says how to mend a webhook that sends forms', async () => {
      const reading = await open().read(signed(delivered().headers, 'payload=%7B%7D'))
      expect(reading).toMatchObject({ kind: 'invalid', problem: expect.stringContaining('content_type: json') })
    })

    test('compares the repository with its scope without case', async () => {
      const { headers, body } = delivered('ACME/Widgets')
      expect(await open().read(signed(headers, body))).toMatchObject({ kind: 'jobs' })
    })

    test.each(['acme/gadgets', 'other/widgets'])('leaves a job of %s, outside its scope, alone', async (repository) => {
      const { headers, body } = delivered(repository)
      expect(await open().read(signed(headers, body))).toMatchObject({ kind: 'ignored', reason: 'scope' })
    })

    test('knows a delivery without an id by its bytes', async () => {
      const { headers, body } = delivered()
      const anonymous = Object.fromEntries(Object.entries(headers).filter(([header]) => !header.endsWith('-delivery')))
      const reading = await open().read(signed(anonymous, body))
      expect(reading).toMatchObject({ id: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) })
    })
  })

  badAnswersContract(name, world, open)

  describe(`${name}, like every forge, lists`, () => {
    const ids = (count: number) => Array.from({ length: count }, (_, index) => String(index + 1))
    const inOrder = (rows: readonly { id: string }[] = []) =>
      rows.map(({ id }) => id).sort((one, other) => Number(one) - Number(other))

    test('no jobs and no runners, completely, where there are none', async () => {
      const forge = open()
      expect(await forge.jobs({ labels: ['linux'], only: null }, never())).toMatchObject({ complete: true, jobs: [] })
      expect(await forge.runners(never())).toEqual({ complete: true, runners: [] })
    })

    test('the jobs of all pages, each once', async () => {
      const list = await open({ jobs: 235 }).jobs({ labels: ['linux'], only: null }, never())
      expect(list?.complete).toBe(true)
      expect(inOrder(list?.jobs)).toEqual(ids(235))
      expect(list?.jobs[0]).toMatchObject({ state: 'queued', labels: ['linux'], repository: 'acme/widgets' })
    })

    test('the runners of all pages, each once', async () => {
      const list = await open({ runners: 235 }).runners(never())
      expect(list?.complete).toBe(true)
      expect(inOrder(list?.runners)).toEqual(ids(235))
      expect(list?.runners[0]).toMatchObject({ state: 'idle', labels: expect.arrayContaining(['linux']) })
    })

    test.runIf(world.counts.jobs)('jobs incompletely, when more are counted than came', async () => {
      const list = await open({ jobs: 3, uncounted: 1 }).jobs({ labels: ['linux'], only: null }, never())
      expect(list).toMatchObject({ complete: false })
      expect(list?.jobs).toHaveLength(3)
    })

    test.runIf(world.counts.runners)('runners incompletely, when more are counted than came', async () => {
      const list = await open({ runners: 3, uncounted: 1 }).runners(never())
      expect(list).toMatchObject({ complete: false })
      expect(list?.runners).toHaveLength(3)
    })
  })

  describe(`${name}, like every forge, makes sure of its webhook and`, () => {
    async function ensure(hooks: WorldHook[], over: Partial<HookWish> = {}) {
      const state = await open({ hooks }).ensureHook?.({ ...wish, ...over }, never())
      if (!state) throw new Error('this scope has no hooks API')
      return state
    }
    const withUrl = (hooks: readonly WorldHook[], url = ours) => hooks.filter((hook) => hook.url === url)

    test('creates it, active and signed, where there is none', async () => {
      const hooks: WorldHook[] = []
      const state = await ensure(hooks)
      expect(hooks).toMatchObject([{ url: ours, secret, active: true }])
      expect(state).toMatchObject({ id: String(hooks[0]?.id), done: 'created', events: hooks[0]?.events })
    })

    test('leaves it as it is the next time', async () => {
      const hooks: WorldHook[] = []
      const { id } = await ensure(hooks)
      const before = structuredClone(hooks)
      expect(await ensure(hooks, { known: { id, secretFits: true } })).toMatchObject({ id, done: 'kept' })
      expect(hooks).toEqual(before)
    })

    test('finds it behind a page of others, and makes no second one', async () => {
      const hooks: WorldHook[] = []
      const { id } = await ensure(hooks)
      hooks.unshift(...foreignHooks(120))
      expect(await ensure(hooks, { known: { id, secretFits: true } })).toMatchObject({ id, done: 'kept' })
      expect(withUrl(hooks)).toHaveLength(1)
    })

    test('never touches a hook with another url', async () => {
      const hooks = [
        ...foreignHooks(3),
        aHook({ id: 5, url: `${ours}/other`, active: false }),
        aHook({ id: 6, url: ours.replace('https', 'http') }),
        aHook({ id: 7, url: ours.replace('main', 'MAIN') }),
      ]
      const before = structuredClone(hooks)
      await ensure(hooks)
      expect(hooks).toEqual(expect.arrayContaining(before))
      expect(hooks).toHaveLength(before.length + 1)
    })

    test('reduces its own to one', async () => {
      const hooks: WorldHook[] = []
      const { id } = await ensure(hooks)
      const [made] = hooks
      if (!made) throw new Error('no hook was made')
      hooks.push({ ...made, id: 77 }, { ...made, id: 78 }, ...foreignHooks(1))
      expect(await ensure(hooks, { known: { id, secretFits: true } })).toMatchObject({ id })
      expect(withUrl(hooks)).toHaveLength(1)
      expect(hooks).toHaveLength(2)
    })

    test('knows its url with another case of the host', async () => {
      const hooks: WorldHook[] = []
      const { id } = await ensure(hooks)
      const state = await ensure(hooks, {
        url: 'https://MUSTER.example/webhook/main',
        known: { id, secretFits: true },
      })
      expect(state.id).toBe(id)
      expect(hooks).toHaveLength(1)
    })

    test('switches one on again that somebody switched off', async () => {
      const hooks: WorldHook[] = []
      const { id, events } = await ensure(hooks)
      for (const hook of hooks) hook.active = false
      expect(await ensure(hooks, { known: { id, secretFits: true } })).toMatchObject({ id, done: 'repaired', events })
      expect(hooks).toMatchObject([{ active: true, events, secret }])
    })

    test('has it signed with the secret in force, whatever secret it had', async () => {
      const hooks: WorldHook[] = []
      const { id } = await ensure(hooks, { secret: 'an old secret' })
      const state = await ensure(hooks, { known: { id, secretFits: false } })
      expect(['replaced', 'repaired']).toContain(state.done)
      expect(withUrl(hooks)).toMatchObject([{ id: Number(state.id), secret, active: true }])
    })

    test('has one signed with the secret in force that it finds and does not know', async () => {
      const hooks = [aHook({ secret: 'nobody knows' })]
      await ensure(hooks)
      expect(withUrl(hooks)).toMatchObject([{ secret }])
    })
  })

  describe(`${name}, like every forge, unregisters a runner and`, () => {
    test('it is gone from the list', async () => {
      const forge = open({ runners: 2 })
      expect(await forge.unregister({ id: '1', name: 'runner-1' }, never())).toBe('removed')
      expect((await forge.runners(never()))?.runners.map(({ id }) => id)).toEqual(['2'])
    })

    test('is content when it is already gone', async () => {
      expect(await open().unregister({ id: '1', name: 'runner-1' }, never())).toBe('removed')
    })
  })
}

type Place = readonly (string | number)[]

/** Every place of a JSON value, the inner ones too. */
function leaves(value: unknown, place: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [place]
  return [place, ...Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...place, key]))]
}

function replaced(value: unknown, [key, ...rest]: Place, by: unknown): unknown {
  if (key === undefined) return by
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value) ? [...value] : { ...(value as object) }
  Object.assign(copy, { [key]: replaced(Reflect.get(copy, key), rest, by) })
  return copy
}
