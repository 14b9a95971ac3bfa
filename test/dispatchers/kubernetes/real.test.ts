import { env } from 'node:process'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import type { Dispatcher } from '../../../src/dispatchers/dispatcher.ts'
import { kubernetes } from '../../../src/dispatchers/kubernetes/dispatcher.ts'
import { randomId } from '../../../src/ids.ts'
import { aRequest, never } from '../contract.ts'
import { someOptions } from './place.ts'

const { MUSTER_TEST_KUBECONFIG: kubeconfig, MUSTER_TEST_IMAGE: image = 'busybox' } = env
if (!kubeconfig)
  console.warn(
    'NOT TESTED against a real Kubernetes: set MUSTER_TEST_KUBECONFIG to the kubeconfig of one (and MUSTER_TEST_IMAGE).',
  )

describe.skipIf(!kubeconfig)('a real Kubernetes', { timeout: 180_000 }, () => {
  const patience = { timeout: 120_000, interval: 1_000 }
  const options = someOptions({ kubeconfig: kubeconfig ?? null, image, command: ['sleep', '600'] })
  const context = { name: 'real', owner: `test-${randomId().slice(0, 8)}`, clock: systemClock, note: console.warn }
  let dispatcher: Dispatcher
  let ends = 0
  beforeAll(() => {
    dispatcher = kubernetes.create(options, context)
    dispatcher.onEnd?.(() => ends++)
  })
  const running = async () => (await dispatcher.running?.(never))?.dispatches
  const livingOf = (ids: string[]) => vi.waitFor(async () => expect(await running()).toEqual(ids.toSorted()), patience)

  afterAll(async () => {
    for (const id of (await running()) ?? []) await dispatcher.stop?.(id, never)
    await dispatcher.close?.()
  })

  test('has nothing against us', async () => {
    expect((await dispatcher.check?.(never))?.filter(({ level }) => level === 'problem')).toEqual([])
  })

  test('runs a runner once, lists it, and ends it when asked', async () => {
    const request = aRequest()
    await Promise.all([dispatcher.launch(request, never), kubernetes.create(options, context).launch(request, never)])
    await livingOf([request.id])
    await dispatcher.stop?.(request.id, never)
    await livingOf([])
  })

  test('ends a runner at its ttl, and tells of it', async () => {
    const before = ends
    await dispatcher.launch(aRequest({ ttl: 5_000 }), never)
    await vi.waitFor(() => expect(ends).toBeGreaterThan(before), patience)
    await livingOf([])
  })
})
