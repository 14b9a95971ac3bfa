import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { DockerOptions } from '../../../src/dispatchers/docker/options.ts'
import { aRequest, never } from '../contract.ts'
import { aPlace, type DockerPlace } from './place.ts'

let place: DockerPlace
beforeEach(async () => {
  place = await aPlace()
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await place.close()
})

const findings = async (options: Partial<DockerOptions> = {}) =>
  (await place.dispatcher('muster', options).check?.(never)) ?? []
const told = async (options: Partial<DockerOptions> = {}) =>
  (await findings(options)).map(({ level, check }) => `${level} ${check}`)

describe('a check says', () => {
  test('which engine answers, and that all is there', async () => {
    expect(await told()).toEqual(['good engine_reachable', 'good image'])
    const [engine] = await findings()
    expect(engine?.message).toBe(`Docker Engine 20.10.24 (API 1.41) answers at unix://${place.engine.socket}`)
  })

  test.each`
    what                         | options                                | finding
    ${'no image'}                | ${{ image: null }}                     | ${'note image'}
    ${'an image yet to come'}    | ${{ image: 'other:1' }}                | ${'note image'}
    ${'an image never to come'}  | ${{ image: 'other:1', pull: 'never' }} | ${'problem image'}
    ${'an engine image to come'} | ${{ dind: 'docker:dind' }}             | ${'note image'}
    ${'a missing network'}       | ${{ networks: ['missing'] }}           | ${'problem network'}
  `('$finding for $what', async ({ options, finding }) => {
    expect(await told(options)).toContain(finding)
  })

  test('what Podman wants of limits', async () => {
    const ulimits = [{ name: 'nofile', soft: 1024, hard: 1024 }]
    expect(await told({ ulimits })).not.toContain('warning ulimits')
    place.engine.version.Components = [{ Name: 'Podman Engine' }]
    expect(await told({ ulimits })).toContain('warning ulimits')
  })

  test('what the engine cannot do', async () => {
    Object.assign(place.engine.info, { MemoryLimit: false, SecurityOptions: ['name=rootless'] })
    expect(await told({ privileged: true })).toEqual(
      expect.arrayContaining(['warning engine_limits', 'warning privileged']),
    )
  })

  test('how to mend an engine that does not answer', async () => {
    const [finding, ...more] = await findings({ engine: { kind: 'sockets', paths: ['/nowhere/engine.sock'] } })
    expect(finding).toMatchObject({
      level: 'problem',
      check: 'engine_reachable',
      fix: expect.stringContaining('"host"'),
    })
    expect(more).toEqual([])
    const tcp = { kind: 'tcp', host: '127.0.0.1', port: 1, tls: null } as const
    expect((await findings({ engine: tcp }))[0]?.message).toContain('ECONNREFUSED')
  })

  test('something also of an engine that hangs, when its caller gives up', async () => {
    place.engine.fault(/version/, 'hang')
    const asked = place.dispatcher().check?.(AbortSignal.timeout(50))
    expect(await asked).toMatchObject([{ level: 'problem', check: 'engine_reachable' }])
  })

  test('nothing that starts or pulls', async () => {
    await findings({ image: 'other:1', dind: 'docker:dind', networks: ['ci'] })
    expect(place.engine.requests.filter((request) => !request.startsWith('GET '))).toEqual([])
  })
})

// docker-modem takes from $DOCKER_HOST whatever it is not told.
test('$DOCKER_HOST of our own process does not lead a configured dispatcher elsewhere', async () => {
  vi.stubEnv('DOCKER_HOST', 'tcp://127.0.0.1:1')
  const request = aRequest()
  await place.dispatcher().launch(request, never)
  expect(place.engine.starts).toEqual([request.id])
})
