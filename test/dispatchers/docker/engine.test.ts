import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Dispatcher } from '../../../src/dispatchers/dispatcher.ts'
import { aRequest, canary, dispatcherContract, never } from '../contract.ts'
import { canBePrivileged, type RealPlace, realClient, realEngines, realImage, realPlace } from './real-engine.ts'

const engines = await realEngines()
if (engines.length === 0)
  console.warn('SKIPPED: no container engine answers; set MUSTER_TEST_DOCKER_SOCKET, or start one with .ci/engine')

const patience = { timeout: 15_000, interval: 200 }

describe.skipIf(engines.length === 0)('against a real engine', { timeout: 40_000 }, () => {
  describe.each(engines)('%s', (socket) => {
    const images: Record<string, string> = {}
    beforeAll(async () => {
      for (const user of ['root', '1000:1000', 'runner']) images[user] = await realImage(socket, `USER ${user}`)
    }, 60_000)
    afterAll(async () => {
      for (const image of Object.values(images)) await realClient(socket).getImage(image).remove({ force: true })
    })

    dispatcherContract('docker', () => realPlace(socket, images.root ?? ''))

    let place: RealPlace
    const opened: Dispatcher[] = []
    const open = (options: Parameters<RealPlace['dispatcher']>[1] = {}) => {
      const made = place.dispatcher('muster', options)
      opened.push(made)
      return made
    }
    beforeEach(async () => {
      place = await realPlace(socket, images.root ?? '')
    })
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((made) => made.close?.()))
      await place.close()
    })

    test.each(['root', '1000:1000', 'runner'])(
      'the user %s of an image reads the start script, and nobody after',
      async (user) => {
        const request = aRequest()
        await open({ image: images[user] ?? '' }).launch(request, never)
        const uid = user === 'root' ? 0 : 1000
        await vi.waitFor(async () => {
          const output = String(await place.container(request.id).logs({ stdout: true, stderr: true }))
          expect(output).toContain(`user ${uid} sees: 0`)
          expect(output).toContain('arguments: one-job')
        }, patience)
      },
    )

    test('machine_type limits CPUs and memory', async () => {
      const request = aRequest({ machineType: '0.5x0.0625' })
      await open().launch(request, never)
      const { HostConfig } = await place.container(request.id).inspect()
      expect(HostConfig).toMatchObject({ NanoCpus: 5e8, Memory: 64 * 1024 * 1024 })
    })

    test('a runner that ends at once is told of, and is not started again by a repeat', async () => {
      const request = aRequest({ env: { STAND_IN_PART: 'fail' } })
      const dispatcher = open()
      await dispatcher.launch(request, never)
      await vi.waitFor(
        () => expect(place.notes.join()).toMatch(/ended with exit code 7: cannot join with \*\*\*/),
        patience,
      )
      expect(place.notes.join()).not.toContain(canary)
      await dispatcher.launch(request, never)
      await open().launch(request, never)
      expect(await place.started()).toEqual([request.id])
      expect(await dispatcher.running?.(never)).toEqual({ complete: true, dispatches: [] })
    })

    test('an end is heard of', async () => {
      const request = aRequest()
      const dispatcher = open()
      const ended = vi.fn()
      dispatcher.onEnd?.(ended)
      await dispatcher.launch(request, never)
      await dispatcher.running?.(never)
      expect(ended).not.toHaveBeenCalled()
      await place.container(request.id).kill()
      await vi.waitFor(() => expect(ended).toHaveBeenCalled(), patience)
    })

    test('the ttl holds for runners of an earlier process', async () => {
      const request = aRequest({ ttl: 3_000 })
      const first = open()
      await first.launch(request, never)
      await first.close?.()
      expect(await place.living()).toEqual([request.id])
      open()
      await vi.waitFor(async () => expect(await place.living()).toEqual([]), patience)
    })

    test('an image that is nowhere is a refusal', async () => {
      await expect(
        open({ image: 'localhost/muster:nowhere', pull: 'never' }).launch(aRequest(), never),
      ).rejects.toMatchObject({
        name: 'DispatchRefused',
        message: expect.stringContaining('is not on the engine'),
      })
    })

    test('what the engine cannot start is a refusal, and leaves nothing', async () => {
      const request = aRequest()
      const refused = open({ user: 'nobody-knows-me' }).launch(request, never)
      await expect(refused).rejects.toMatchObject({ name: 'DispatchRefused' })
      await expect(place.container(request.id).inspect()).rejects.toMatchObject({ statusCode: 404 })
    })

    // The image stands in for docker:dind; whether a real one gives its socket to a group by number is dockerd's own promise (`--group`).
    test('a runner gets an engine of its own, which goes with it', async (context) => {
      if (!(await canBePrivileged(socket, images.root ?? ''))) {
        console.warn(`SKIPPED: ${socket} cannot start privileged containers on this machine`)
        return context.skip()
      }
      const request = aRequest()
      const dispatcher = open({ dind: images.root ?? '' })
      await dispatcher.launch(request, never)
      const side = place.container(`${request.id}-engine`)
      expect((await side.inspect()).HostConfig.Privileged).toBe(true)
      expect((await side.inspect()).State.Running).toBe(true)
      const { HostConfig } = await place.container(request.id).inspect()
      expect(HostConfig).toMatchObject({ Privileged: false, NetworkMode: expect.stringMatching(/^container:/) })
      expect(await dispatcher.running?.(never)).toEqual({ complete: true, dispatches: [request.id] })
      await dispatcher.stop?.(request.id, never)
      await expect(side.inspect()).rejects.toMatchObject({ statusCode: 404 })
      await expect(place.docker.getVolume(side.id).inspect()).rejects.toMatchObject({ statusCode: 404 })
    })

    test('limits are set where both are named', async () => {
      const request = aRequest()
      const ulimits = [
        { name: 'nofile', soft: 1024, hard: 1024 },
        { name: 'nproc', soft: 512, hard: 512 },
      ]
      await open({ ulimits }).launch(request, never)
      await vi.waitFor(async () => expect(await place.living()).toEqual([request.id]), patience)
    })

    test('a check finds it well', async () => {
      const findings = await open().check?.(never)
      expect(findings?.filter(({ level }) => level === 'problem')).toEqual([])
      expect(findings?.[0]).toMatchObject({ level: 'good', check: 'engine_reachable' })
    })
  })
})
