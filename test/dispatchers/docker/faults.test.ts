import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { DockerOptions } from '../../../src/dispatchers/docker/options.ts'
import { aRequest, canary, never } from '../contract.ts'
import type { Fault } from './fake-engine.ts'
import { aPlace, type DockerPlace } from './place.ts'

let place: DockerPlace
beforeEach(async () => {
  place = await aPlace()
})
afterEach(() => place.close())

const open = (options: Partial<DockerOptions> = {}) => place.dispatcher('muster', options)

describe('a fault of the engine:', () => {
  const create = /^POST \/containers\/create/
  const start = /\/start$/
  const look = /^GET \/containers\/muster-/
  const faults: [what: string, fits: RegExp, fault: Fault, outcome: string, left: number][] = [
    ['it does not take the name at all', look, { refuse: 400 }, 'DispatchRefused', 0],
    ['it is broken before anything is made', look, { refuse: 500 }, 'DispatchRefused', 0],
    ['the image cannot be looked up', /^GET \/images/, { refuse: 500 }, 'DispatchRefused', 0],
    ['a container is refused', create, { refuse: 400 }, 'DispatchRefused', 0],
    ['a container cannot be made', create, { refuse: 500 }, 'DispatchRefused', 0],
    ['the connection breaks, and none was made', create, 'break', 'DispatchRefused', 0],
    ['the connection breaks, and one was made', create, 'lose', 'accepted', 1],
    ['the script cannot be put into it', /\/archive$/, { refuse: 500 }, 'DispatchRefused', 0],
    ['a start is refused', start, { refuse: 400 }, 'DispatchRefused', 0],
    ['a start fails', start, { refuse: 500 }, 'DispatchRefused', 0],
    ['the connection breaks, and nothing started', start, 'break', 'DispatchRefused', 0],
    ['the connection breaks, and it started', start, 'lose', 'accepted', 1],
    ['a network is missing', /^POST \/networks/, { refuse: 404 }, 'DispatchRefused', 0],
  ]
  test.each(faults)('%s', async (_, fits, fault, outcome, left) => {
    place.engine.fault(fits, fault)
    const dispatcher = open({ networks: ['a', 'b'] })
    const result = await dispatcher.launch(aRequest(), never).then(
      () => 'accepted',
      (error: Error) => error.name,
    )
    expect(result).toBe(outcome)
    expect(place.engine.containers.size).toBe(left)
    expect(place.engine.starts).toHaveLength(left)
  })

  test('a start whose end nobody can see is unknown, and stays so until somebody can', async () => {
    const request = aRequest()
    const dispatcher = open()
    const silent = [/\/archive$/, /^DELETE /]
    for (const fits of silent) place.engine.fault(fits, { refuse: 500 })
    await expect(dispatcher.launch(request, never)).rejects.toMatchObject({ name: 'DispatchUnknown' })
    place.engine.fault(look, { refuse: 500 })
    await expect(dispatcher.launch(request, never)).rejects.toMatchObject({ name: 'DispatchUnknown' })
    for (const fits of [...silent, look]) place.engine.fault(fits, null)
    await dispatcher.launch(request, never)
    expect(place.engine.starts).toEqual([request.id])
  })

  test('no engine at all is a refusal that says where it was looked for', async () => {
    const dispatcher = open({ engine: { kind: 'sockets', paths: ['/nowhere/a.sock', '/nowhere/b.sock'] } })
    await expect(dispatcher.launch(aRequest(), never)).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringContaining('looked for /nowhere/a.sock, /nowhere/b.sock'),
    })
    await expect(dispatcher.running?.(never)).rejects.toThrow('no socket of a container engine')
  })

  test('a stranger with our name is left alone', async () => {
    const request = aRequest()
    await open().launch(request, never)
    const stranger = place.container(request.id)
    if (stranger) stranger.body.Labels = {}
    const other = open()
    await expect(other.launch(request, never)).rejects.toMatchObject({ name: 'DispatchRefused' })
    await other.stop?.(request.id, never)
    expect(place.container(request.id)?.state).toBe('running')
  })

  test('no error shows the credential', async () => {
    place.engine.fault(start, { refuse: 500, message: `cannot run with ${canary}` })
    await expect(open().launch(aRequest(), never)).rejects.toThrow('cannot run with ***')
  })

  test.each(['running', 'launch', 'stop'] as const)(
    '%s of a hanging engine ends when its caller gives it up',
    async (call) => {
      place.engine.fault(/containers/, 'hang')
      const dispatcher = open()
      const giveUp = AbortSignal.timeout(50)
      const calls = {
        running: () => dispatcher.running?.(giveUp),
        launch: () => dispatcher.launch(aRequest(), giveUp),
        stop: () => dispatcher.stop?.('any', giveUp),
      }
      await expect(calls[call]()).rejects.toThrow()
    },
  )

  test('a hanging engine does not hinder us from letting go', async () => {
    place.engine.fault(/./, 'hang')
    const dispatcher = open()
    const launch = dispatcher.launch(aRequest(), never).catch((error: Error) => error.name)
    await vi.waitFor(() => expect(place.engine.requests.length).toBeGreaterThan(1))
    await dispatcher.close?.()
    expect(await launch).toBe('DispatchRefused')
  })

  test('a runner that cannot be stopped is an error', async () => {
    const request = aRequest()
    const dispatcher = open()
    await dispatcher.launch(request, never)
    place.engine.fault(/\/stop$/, { refuse: 500 })
    await expect(dispatcher.stop?.(request.id, never)).rejects.toThrow()
  })
})
