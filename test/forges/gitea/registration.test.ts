import { HttpResponse, http } from 'msw'
import { describe, expect, test } from 'vitest'
import type { Scope } from '../../../src/core/scope.ts'
import { network } from '../../support/network.ts'
import { levels } from '../own-server/world.ts'
import { aRunner, base, giteaVersions, open, type RunnerRow, sharedToken, token } from './world.ts'

const never = () => new AbortController().signal
const organization: Scope = { level: 'organization', owner: 'acme', name: null }
const instance: Scope = { level: 'instance', owner: null, name: null }
const request = { name: 'muster-1', labels: ['linux:host', 'big:docker://node:22', 'linux'], handle: null }
const register = `${base}/api/actions/runner.v1.RunnerService/Register`
const shared = { kind: 'registration-token', forge: 'gitea', url: base, token: sharedToken }

describe('a registration at Gitea', () => {
  test.each(giteaVersions)('is one ephemeral runner of our own in %s, at every level', async (version) => {
    for (const scope of levels) {
      const runners: RunnerRow[] = []
      expect(await open({ version, scope, runners }).register(request, never())).toEqual({
        kind: 'gitea',
        url: base,
        id: '4',
        uuid: 'd80f4ac1-7ed7-43d7-a471-514805d63ffc',
        name: 'muster-1',
        token: '0000000000000000000000000000000000000000',
        labels: request.labels,
      })
      expect(runners).toMatchObject([{ name: 'muster-1', ephemeral: true, status: 'offline' }])
    }
  })

  test('has the bare names of its labels, each once, as its program declares them later', async () => {
    const runners: RunnerRow[] = []
    await open({ runners }).register(request, never())
    expect(runners[0]?.labels.map(({ name }) => name)).toEqual(['linux', 'big'])
  })

  test.each([
    ['is not there', () => new HttpResponse('404 page not found', { status: 404 })],
    ['knows no POST', () => new HttpResponse(null, { status: 405 })],
    ['knows no JSON', () => new HttpResponse(null, { status: 415 })],
    ['is a proxy that wants a login', () => HttpResponse.html('<html>Sign in</html>')],
    ['names no uuid', () => HttpResponse.json({ runner: { id: '4', token: 'x', ephemeral: true } })],
    ['knows no ephemeral runners', () => HttpResponse.json({ runner: { id: '4', uuid: 'u', token: 'x' } })],
  ])('is the shared token where the service %s, and a note says so once', async (_, answer) => {
    const notes: string[] = []
    const forge = open({ notes })
    network.use(http.post(register, answer))
    expect(await forge.register(request, never())).toEqual(shared)
    expect(await forge.register(request, never())).toEqual(shared)
    expect(notes).toEqual([expect.stringContaining('shared registration token')])
    expect(notes.join()).not.toContain(sharedToken)
  })

  test('is tried anew after it was the shared token', async () => {
    const forge = open()
    network.use(http.post(register, () => new HttpResponse(null, { status: 404 }), { once: true }))
    expect(await forge.register(request, never())).toEqual(shared)
    expect(await forge.register(request, never())).toMatchObject({ kind: 'gitea' })
  })

  // Nobody knows whether it was made: another one would be a second.
  test('is sent once, and fails by name when its answer is lost', async () => {
    const forge = open()
    let sent = 0
    network.use(
      http.post(register, () => {
        sent++
        return HttpResponse.error()
      }),
    )
    await expect(forge.register(request, never())).rejects.toMatchObject({ name: 'ForgeUnreachable' })
    expect(sent).toBe(1)
  })

  test('that is refused in the words of the service is no reason to hand the shared token out', async () => {
    const forge = open()
    network.use(http.post(`${base}/*/registration-token`, () => HttpResponse.json({ token: 'one that was reset' })))
    const error = await forge.register(request, never()).catch((error: unknown) => error)
    expect(error).toMatchObject({ name: 'ForgeRefused', detail: 'runner registration token not found' })
    expect(String(error)).not.toMatch(/one that was reset/)
  })

  test.each([
    [404, organization, `${base}/api/v1/orgs/acme/actions/runners/registration-token`],
    [405, instance, `${base}/api/v1/admin/runners/registration-token`],
  ])('reads the shared token where it cannot be asked for (%i)', async (status, scope, old) => {
    const forge = open({ scope })
    network.use(
      http.post(`${base}/*/registration-token`, () => new HttpResponse(null, { status })),
      http.get(old, () => HttpResponse.json({ token: sharedToken })),
    )
    expect(await forge.register(request, never())).toMatchObject({ kind: 'gitea' })
  })

  test('without a shared token fails by name', async () => {
    const forge = open()
    network.use(http.post(`${base}/*/registration-token`, () => HttpResponse.json({ token: '' })))
    await expect(forge.register(request, never())).rejects.toMatchObject({ name: 'ForgeMisshapen' })
  })

  test('that nobody used is removed like any other', async () => {
    const runners = [aRunner()]
    const forge = open({ runners })
    await forge.register(request, never())
    expect(await forge.unregister({ id: '4', name: 'muster-1' }, never())).toBe('removed')
    expect(runners).toEqual([aRunner()])
  })
})

describe('what Gitea tells of its registrations', () => {
  test.each([
    ['each', () => new HttpResponse(null, { status: 405 })],
    ['shared', () => new HttpResponse('404 page not found', { status: 404 })],
    ['shared', () => new HttpResponse('', { status: 403 })],
    ['shared', () => HttpResponse.html('<html>Sign in</html>')],
    ['shared', () => HttpResponse.json({ data: 'Hello' })],
  ])('is %s by whether its service refuses to be read', async (registration, answer) => {
    const forge = open()
    network.use(http.get(register, answer))
    expect(await forge.probe(never())).toMatchObject({ registration })
  })

  test('is unknown while the service fails, which stands in the way of nothing else', async () => {
    const forge = open()
    network.use(http.get(register, () => new HttpResponse('', { status: 500 })))
    expect(await forge.probe(never())).toMatchObject({ jobs: true, hooks: true, registration: null })
  })

  test('never includes the token in what is noted', async () => {
    const notes: string[] = []
    const forge = open({ notes })
    network.use(http.post(register, () => HttpResponse.json({ message: token }, { status: 404 })))
    await forge.register(request, never())
    expect(notes.join()).not.toContain(token)
  })
})
