import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { DockerOptions } from '../../../src/dispatchers/docker/options.ts'
import { aRequest, canary, never } from '../contract.ts'
import { aPlace, type DockerPlace } from './place.ts'

let place: DockerPlace
beforeEach(async () => {
  place = await aPlace(500)
})
afterEach(() => place.close())

const open = (options: Partial<DockerOptions> = {}) => place.dispatcher('muster', options)
const listening = () => vi.waitFor(() => expect(place.engine.streams()).toBeGreaterThan(0))

describe('an end', () => {
  test('by itself is heard of, and one that failed is told with its last words, scrubbed', async () => {
    const request = aRequest()
    const dispatcher = open()
    await listening()
    const ended = vi.fn()
    dispatcher.onEnd?.(ended)
    await dispatcher.launch(request, never)
    place.engine.end(`muster-${request.id}`, 1, `starting\ncannot join with ${canary}\n`)
    await vi.waitFor(() => expect(ended).toHaveBeenCalledOnce())
    await vi.waitFor(() =>
      expect(place.notes).toEqual([`the runner muster-${request.id} ended with exit code 1: cannot join with ***`]),
    )
  })

  test('that comes before the start is even answered is told as well', async () => {
    const request = aRequest()
    const dispatcher = open()
    await listening()
    place.engine.fault(/\/start$/, 'hang')
    const launch = dispatcher.launch(request, never).catch((error: Error) => error.name)
    await vi.waitFor(() => expect(place.container(request.id)?.archives).toHaveLength(1))
    await vi.waitFor(() => expect(place.engine.requests.at(-1)).toMatch(/start$/))
    place.engine.end(`muster-${request.id}`, 1, `cannot join with ${canary}\n`)
    await vi.waitFor(() => expect(place.notes.join()).toContain('exit code 1: cannot join with ***'))
    await dispatcher.close?.()
    await launch
  })

  test('that was good, or that we made, is nothing to tell', async () => {
    const [good, stopped] = [aRequest(), aRequest()]
    const dispatcher = open()
    await listening()
    await dispatcher.launch(good, never)
    await dispatcher.launch(stopped, never)
    place.engine.end(`muster-${good.id}`)
    await dispatcher.stop?.(stopped.id, never)
    await vi.waitFor(() => expect(place.engine.containers.size).toBe(0), { timeout: 5_000 })
    expect(place.notes).toEqual([])
  })

  test('for want of memory is called so', async () => {
    const request = aRequest()
    const dispatcher = open()
    await listening()
    await dispatcher.launch(request, never)
    const container = place.container(request.id)
    if (container) container.outOfMemory = true
    place.engine.end(`muster-${request.id}`, 137)
    await vi.waitFor(() => expect(place.notes).toEqual([`the runner muster-${request.id} ran out of memory`]))
  })

  test('leaves its container for a while, so that a repeat starts nothing, also of another process', async () => {
    const request = aRequest()
    const dispatcher = open({ pull: 'always', dind: 'docker:dind' })
    place.engine.images.set('docker:dind', { user: '' })
    for (const image of ['runner:1', 'docker:dind']) place.engine.registry.set(image, { user: '' })
    await listening()
    await dispatcher.launch(request, never)
    const began = place.clock.now()
    place.engine.end(`muster-${request.id}`)
    await vi.waitFor(async () => expect((await dispatcher.running?.(never))?.dispatches).toEqual([]))
    await dispatcher.launch(request, never)
    await open().launch(request, never)
    expect(place.engine.starts).toEqual([request.id])
    expect(place.engine.pulls).toHaveLength(2)
    await vi.waitFor(() => expect([...place.engine.containers]).toEqual([]), { timeout: 5_000 })
    expect(place.clock.now() - began).toBeGreaterThan(9 * 60_000)
  })

  test('that we make is nothing to tell, also while its container is still being removed', async () => {
    const request = aRequest()
    const dispatcher = open()
    await listening()
    const ended = vi.fn()
    dispatcher.onEnd?.(ended)
    await dispatcher.launch(request, never)
    place.engine.fault(/^DELETE/, 'hang')
    const giveUp = new AbortController()
    const stop = dispatcher.stop?.(request.id, giveUp.signal)
    await vi.waitFor(() => expect(ended).toHaveBeenCalled())
    await vi.waitFor(() => expect(place.engine.requests.at(-1)).toContain('-engine/json'))
    giveUp.abort()
    await expect(stop).rejects.toThrow()
    expect(place.notes).toEqual([])
  })

  test('that came while nobody listened is found', async () => {
    const request = aRequest()
    const dispatcher = open()
    await listening()
    const ended = vi.fn()
    dispatcher.onEnd?.(ended)
    await dispatcher.launch(request, never)
    place.engine.fault(/events/, { refuse: 503 })
    place.engine.breakStreams()
    await vi.waitFor(() => expect(place.notes.join()).toContain('the engine tells no events'))
    place.engine.end(`muster-${request.id}`)
    place.engine.fault(/events/, null)
    await vi.waitFor(() => expect(ended).toHaveBeenCalled())
    expect(place.notes).toHaveLength(1)
  })

  test('at the ttl comes also to a runner of an earlier process', async () => {
    const request = aRequest({ ttl: 250_000 })
    const first = open()
    await first.launch(request, never)
    await first.close?.()
    expect(await place.living()).toEqual([request.id])
    open()
    await vi.waitFor(() => expect(place.container(request.id)).toBeUndefined(), { timeout: 5_000 })
  })

  test('comes to what was made and never started', async () => {
    const request = aRequest()
    place.engine.fault(/\/archive$/, 'hang')
    const first = open()
    const launch = first.launch(request, never).catch((error: Error) => error.name)
    await vi.waitFor(() => expect(place.container(request.id)).toBeDefined())
    await first.close?.()
    expect(await launch).toBe('DispatchUnknown')
    const second = open()
    expect(await second.running?.(never)).toEqual({ complete: true, dispatches: [] })
    await vi.waitFor(() => expect(place.container(request.id)).toBeUndefined(), { timeout: 5_000 })
    expect(place.engine.starts).toEqual([])
  })
})

test('letting go leaves no stream open', async () => {
  const dispatcher = open()
  await listening()
  await dispatcher.close?.()
  await vi.waitFor(() => expect(place.engine.streams()).toBe(0))
})

test('a certificate without its key is no configuration', () => {
  const tls = { ca: null, cert: 'PEM', key: null }
  expect(() => open({ engine: { kind: 'tcp', host: 'engine', port: 2376, tls } })).toThrow(/belong together/)
})

test('only what listens on a socket is of this host', () => {
  expect(open().traits.local).toBe(true)
  expect(open({ engine: { kind: 'tcp', host: '127.0.0.1', port: 1, tls: null } }).traits.local).toBe(false)
})
