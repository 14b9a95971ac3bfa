import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { reference, registryOf } from '../../../src/dispatchers/docker/images.ts'
import type { DockerOptions } from '../../../src/dispatchers/docker/options.ts'
import { Secret } from '../../../src/secret.ts'
import { aRequest, canary, never } from '../contract.ts'
import { aPlace, type DockerPlace } from './place.ts'

let place: DockerPlace
beforeEach(async () => {
  place = await aPlace()
})
afterEach(() => place.close())

const open = (options: Partial<DockerOptions> = {}) => place.dispatcher('muster', options)

describe('an image', () => {
  const image = 'registry.example:5000/ci/runner:3'
  beforeEach(() => {
    place.engine.registry.set(image, { user: '' })
  })

  test('is pulled once for all that want it, while others go on, and both its ends are told', async () => {
    const release = place.engine.holdPulls()
    const dispatcher = open()
    const waiting = [1, 2, 3].map(() => dispatcher.launch(aRequest({ image }), never))
    await vi.waitFor(() => expect(place.engine.pulls).toHaveLength(1))
    await dispatcher.launch(aRequest(), never)
    expect(place.notes).toEqual([`pulling the image ${image}`])
    release()
    await Promise.all(waiting)
    expect(place.engine.pulls).toHaveLength(1)
    expect(place.notes.at(-1)).toMatch(/^pulled the image registry.+ in \d+ s$/)
    expect(place.engine.starts).toHaveLength(4)
  })

  test('that takes long tells how far it is', async () => {
    const release = place.engine.holdPulls()
    const launch = open().launch(aRequest({ image }), never)
    await vi.waitFor(() => expect(place.engine.pulls).toHaveLength(1))
    await place.clock.sleep(31_000)
    expect(place.notes).toEqual([`pulling the image ${image}`])
    release()
    await launch
    expect(place.notes.slice(1, -1)).toEqual([`still pulling the image ${image}: 1 of 1 layers`])
  })

  test('that is being pulled counts as running: its slot is not given away', async () => {
    const release = place.engine.holdPulls()
    const dispatcher = open()
    const request = aRequest({ image })
    const launch = dispatcher.launch(request, never)
    await vi.waitFor(() => expect(place.engine.pulls).toHaveLength(1))
    expect(await dispatcher.running?.(never)).toEqual({ complete: true, dispatches: [request.id] })
    release()
    await launch
  })

  test('that comes only when the ttl is over starts nothing', async () => {
    const release = place.engine.holdPulls()
    const launch = open().launch(aRequest({ image, ttl: 10_000 }), never)
    const refused = expect(launch).rejects.toMatchObject({ name: 'DispatchRefused' })
    await place.clock.sleep(11_000)
    release()
    await refused
    expect(place.engine.containers.size).toBe(0)
  })

  test('is waited for no longer than the caller likes', async () => {
    const release = place.engine.holdPulls()
    const giveUp = new AbortController()
    const launch = open().launch(aRequest({ image }), giveUp.signal)
    await vi.waitFor(() => expect(place.engine.pulls).toHaveLength(1))
    giveUp.abort()
    await expect(launch).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringContaining('given up'),
    })
    expect(place.engine.containers.size).toBe(0)
    release()
  })

  test.each`
    pull         | here     | pulls | outcome
    ${'missing'} | ${true}  | ${0}  | ${'started'}
    ${'missing'} | ${false} | ${1}  | ${'started'}
    ${'always'}  | ${true}  | ${1}  | ${'started'}
    ${'never'}   | ${true}  | ${0}  | ${'started'}
    ${'never'}   | ${false} | ${0}  | ${'DispatchRefused'}
  `('pull: $pull, there already: $here: pulled $pulls times, $outcome', async ({ pull, here, pulls, outcome }) => {
    if (here) place.engine.images.set(image, { user: '' })
    const result = await open({ pull })
      .launch(aRequest({ image }), never)
      .then(
        () => 'started',
        (error: Error) => error.name,
      )
    expect(result).toBe(outcome)
    expect(place.engine.pulls).toHaveLength(pulls)
  })

  test('that the registry does not have is a refusal in its own words', async () => {
    await expect(open().launch(aRequest({ image: 'nowhere' }), never)).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: 'the image nowhere could not be pulled: manifest for nowhere:latest not found',
    })
  })

  test('is asked for with the login of its own registry, and of no other', async () => {
    const registry = { host: 'registry.example:5000', user: 'ci', password: new Secret(canary) }
    place.engine.registry.set('elsewhere.example/runner:3', { user: '' })
    const dispatcher = open({ registry })
    await dispatcher.launch(aRequest({ image }), never)
    await dispatcher.launch(aRequest({ image: 'elsewhere.example/runner:3' }), never)
    expect(place.engine.pulls.map(({ auth }) => auth)).toEqual([
      { username: 'ci', password: canary, serveraddress: 'registry.example:5000' },
      null,
    ])
  })
})

describe('the name of an image', () => {
  test.each`
    image                                  | fromImage                           | tag            | registry
    ${'busybox'}                           | ${'busybox'}                        | ${'latest'}    | ${'docker.io'}
    ${'acme/runner:2'}                     | ${'acme/runner'}                    | ${'2'}         | ${'docker.io'}
    ${'localhost/runner'}                  | ${'localhost/runner'}               | ${'latest'}    | ${'localhost'}
    ${'registry.example:5000/runner'}      | ${'registry.example:5000/runner'}   | ${'latest'}    | ${'registry.example:5000'}
    ${'registry.example:5000/a/runner:3'}  | ${'registry.example:5000/a/runner'} | ${'3'}         | ${'registry.example:5000'}
    ${'registry.example/runner@sha256:ab'} | ${'registry.example/runner'}        | ${'sha256:ab'} | ${'registry.example'}
    ${'runner:3@sha256:ab'}                | ${'runner'}                         | ${'sha256:ab'} | ${'docker.io'}
  `('$image is $fromImage, $tag, of $registry', ({ image, fromImage, tag, registry }) => {
    expect(reference(image)).toEqual({ fromImage, tag })
    expect(registryOf(image)).toBe(registry)
  })
})
