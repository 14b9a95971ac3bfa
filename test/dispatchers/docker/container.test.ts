import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { DockerOptions } from '../../../src/dispatchers/docker/options.ts'
import { aRequest, never } from '../contract.ts'
import { aPlace, type DockerPlace } from './place.ts'

let place: DockerPlace
beforeEach(async () => {
  place = await aPlace()
})
afterEach(() => place.close())

const open = (options: Partial<DockerOptions> = {}) => place.dispatcher('muster', options)
const listening = () => vi.waitFor(() => expect(place.engine.streams()).toBeGreaterThan(0))

describe('the container of a runner', () => {
  test('is made of the image of the target, else of that of the dispatcher', async () => {
    place.engine.images.set('other:2', { user: '' })
    const [usual, own] = [aRequest(), aRequest({ image: 'other:2' })]
    const dispatcher = open()
    await dispatcher.launch(usual, never)
    await dispatcher.launch(own, never)
    expect(place.container(usual.id)?.body.Image).toBe('runner:1')
    expect(place.container(own.id)?.body.Image).toBe('other:2')
    expect(place.script(own.id)).toContain(`export MUSTER_IMAGE='other:2'`)
  })

  test('needs an image', async () => {
    await expect(open({ image: null }).launch(aRequest(), never)).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: 'there is no image to start: set "image" of the target or of the dispatcher',
    })
  })

  test('has the options and the machine type, and no more than they say', async () => {
    const request = aRequest({ machineType: 'linux/arm64:2x4' })
    await open({
      networks: ['ci', 'cache'],
      extraHosts: ['cache.example:10.0.0.5'],
      volumes: ['cache:/var/cache', '/srv/tools:/tools:ro'],
      user: '1000',
      ulimits: [{ name: 'nofile', soft: 1024, hard: 4096 }],
    }).launch(request, never)
    const { body, networks, platform } = place.container(request.id) ?? {}
    expect(body).toMatchObject({ User: '1000', Entrypoint: ['/bin/sh', '/muster/start.sh'], Cmd: [] })
    expect(body?.HostConfig).toEqual({
      NanoCpus: 2e9,
      Memory: 4 * 1024 ** 3,
      Ulimits: [{ Name: 'nofile', Soft: 1024, Hard: 4096 }],
      Binds: ['cache:/var/cache', '/srv/tools:/tools:ro'],
      ExtraHosts: ['cache.example:10.0.0.5'],
      NetworkMode: 'ci',
    })
    expect(networks).toEqual(['cache'])
    expect(platform).toBe('linux/arm64')
  })

  test('is privileged only if that is said', async () => {
    const [plain, said] = [aRequest(), aRequest()]
    await open().launch(plain, never)
    await open({ privileged: true }).launch(said, never)
    expect(place.container(plain.id)?.body.HostConfig.Privileged).toBeUndefined()
    expect(place.container(said.id)?.body.HostConfig.Privileged).toBe(true)
  })

  test('shows whose it is and when it ends, and nothing of its environment', async () => {
    const request = aRequest({ env: { CACHE: 'target' } })
    await open({ env: { CACHE: 'dispatcher', PROXY: 'a-proxy' } }).launch(request, never)
    const body = place.container(request.id)?.body
    expect(body?.Labels).toEqual({
      'io.muster.owner': 'muster',
      'io.muster.dispatch': request.id,
      'io.muster.instance': 'main',
      'io.muster.role': 'runner',
      'io.muster.ends-at': expect.stringMatching(/^\d{4}-.+Z$/),
    })
    expect(JSON.stringify(body)).not.toContain('a-proxy')
    expect(place.script(request.id)).toContain(`export CACHE='target'`)
    expect(place.script(request.id)).toContain(`export PROXY='a-proxy'`)
  })

  test('is made and started once, though two processes ask at the same time', async () => {
    const request = aRequest()
    await Promise.all([open().launch(request, never), open().launch(request, never)])
    expect(place.engine.starts).toEqual([request.id])
  })

  // Podman takes * in a filter for any text.
  test('is not taken for ours because an engine filters loosely', async () => {
    const request = aRequest()
    await place.dispatcher('somebody').launch(request, never)
    place.engine.loose = true
    expect(await open().running?.(never)).toEqual({ complete: true, dispatches: [] })
  })

  test('runs a command of the user', async () => {
    const request = aRequest()
    await open({ command: ['/opt/start', '--now'] }).launch(request, never)
    expect(place.script(request.id)).toContain('/opt/start')
  })
})

describe('an engine for each runner', () => {
  const dind = 'docker:dind'
  beforeEach(() => {
    place.engine.images.set(dind, { user: '' })
  })

  test('is privileged, which the runner is not, and shares a socket and the network with it', async () => {
    const request = aRequest()
    await open({ dind, networks: ['ci', 'cache'] }).launch(request, never)
    const side = place.engine.containers.get(`muster-${request.id}-engine`)
    const runner = place.container(request.id)
    expect(side).toMatchObject({ state: 'running', networks: ['cache'] })
    expect(side?.body.HostConfig).toMatchObject({ Privileged: true, NetworkMode: 'ci' })
    expect(runner?.body.HostConfig).toEqual({
      Binds: [`muster-${request.id}-engine:/run/muster-engine`],
      NetworkMode: `container:muster-${request.id}-engine`,
      GroupAdd: ['2375'],
    })
    expect(place.script(request.id)).toContain(`export DOCKER_HOST='unix:///run/muster-engine/docker.sock'`)
  })

  test('is no runner: it is neither listed nor taken for the end of one', async () => {
    const request = aRequest()
    const dispatcher = open({ dind })
    await listening()
    const ended = vi.fn()
    dispatcher.onEnd?.(ended)
    await dispatcher.launch(request, never)
    expect(await dispatcher.running?.(never)).toEqual({ complete: true, dispatches: [request.id] })
    place.engine.end(`muster-${request.id}-engine`, 1)
    await vi.waitFor(() => expect(place.engine.requests.at(-1)).toBe(`GET /containers/muster-${request.id}/json`))
    expect(ended).not.toHaveBeenCalled()
    expect(place.container(request.id)?.state).toBe('running')
  })

  test.each(['stopped', 'ended'])('goes with a runner that is %s', async (how) => {
    const request = aRequest()
    const dispatcher = open({ dind })
    await listening()
    await dispatcher.launch(request, never)
    if (how === 'stopped') await dispatcher.stop?.(request.id, never)
    else place.engine.end(`muster-${request.id}`)
    await vi.waitFor(() => expect(place.engine.containers.has(`muster-${request.id}-engine`)).toBe(false))
    await vi.waitFor(() => expect([...place.engine.volumes]).toEqual([]))
  })

  test('goes with a runner that could not be started', async () => {
    place.engine.fault(/POST .*muster-\w+\/start$/, { refuse: 400 })
    await expect(open({ dind }).launch(aRequest(), never)).rejects.toMatchObject({ name: 'DispatchRefused' })
    expect([...place.engine.containers.keys()]).toEqual([])
  })
})
