import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Dispatcher } from '../../../src/dispatchers/dispatcher.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { aRequest, never } from '../contract.ts'
import { say } from './api-server.ts'
import { aCluster, type KubernetesPlace } from './place.ts'

let place: KubernetesPlace
let dispatcher: Dispatcher
let ends = 0
const clock = quickClock(100)
beforeEach(async () => {
  place = await aCluster()
  dispatcher = place.dispatcher('muster', {}, clock)
  ends = 0
  dispatcher.onEnd?.(() => ends++)
  await watching()
})
afterEach(async () => {
  await dispatcher.close?.()
  await place.close()
})

const watching = () => vi.waitFor(() => expect(place.api.streams).toBe(3), { timeout: 5_000 })
const launched = async (over = {}) => {
  const request = aRequest(over)
  await dispatcher.launch(request, never)
  return request
}
const lists = () => place.api.calls.filter(({ verb, resource }) => verb === 'list' && resource === 'jobs').length
const heardOf = (count: number) => vi.waitFor(() => expect(ends).toBe(count), { timeout: 5_000 })

describe('an end is told', () => {
  test('when the runner ends by itself', async () => {
    const { id } = await launched()
    expect(ends).toBe(0)
    place.api.cluster.finish(id)
    await heardOf(1)
    expect(await dispatcher.running?.(never)).toEqual({ complete: true, dispatches: [] })
  })

  test('when somebody else removes the Job', async () => {
    await launched()
    const [name = ''] = place.api.cluster.jobs.keys()
    await vi.waitFor(() => expect(place.api.cluster.pods.size).toBe(1))
    place.api.cluster.deleteJob(name)
    await heardOf(1)
  })

  test('when it came while the watch was broken, without a list', async () => {
    const { id } = await launched()
    await vi.waitFor(() => expect(place.api.cluster.started).toHaveLength(1))
    const before = lists()
    place.api.breakWatches()
    place.api.cluster.finish(id)
    await heardOf(1)
    expect(lists()).toBe(before)
  })

  test('when the API server has forgotten where the watch was: by a list', async () => {
    const { id } = await launched()
    await vi.waitFor(() => expect(place.api.cluster.started).toHaveLength(1))
    place.api.disturb({ before: ({ verb }, answer) => verb === 'watch' && answer.socket?.resetAndDestroy() })
    place.api.breakWatches()
    place.api.cluster.finish(id)
    place.api.cluster.deleteJob(place.api.cluster.jobs.keys().next().value ?? '')
    place.api.cluster.compact()
    place.api.disturb({})
    await heardOf(1)
  })

  test('when the API server says so within the stream', async () => {
    const { id } = await launched()
    await vi.waitFor(() => expect(place.api.cluster.started).toHaveLength(1))
    const before = place.api.calls.length
    place.api.expireWatches()
    await watching()
    const next = place.api.calls.slice(before).find(({ resource }) => resource === 'jobs')
    expect(next?.verb).toBe('list')
    place.api.cluster.finish(id)
    await heardOf(1)
  })

  test('once, and of nothing that is another owner’s', async () => {
    const other = place.dispatcher('somebody')
    const theirs = aRequest()
    await other.launch(theirs, never)
    const { id } = await launched()
    place.api.cluster.finish(theirs.id)
    place.api.cluster.finish(id)
    await heardOf(1)
    await other.close?.()
  })
})

test('a bookmark moves the place where the next watch begins', async () => {
  await launched()
  place.api.cluster.version += 50
  place.api.bookmark()
  place.api.cluster.compact()
  const before = lists()
  place.api.endWatches()
  await watching()
  const last = place.api.calls.findLast(({ verb, resource }) => verb === 'watch' && resource === 'jobs')
  expect(last?.query.get('resourceVersion')).toBe(String(place.api.cluster.version))
  expect(lists()).toBe(before)
})

test('a watch that cannot be had is told once, and tried again with ever longer pauses', async () => {
  place.api.disturb({ before: ({ verb }, answer) => verb === 'watch' && say(answer, 403, { message: 'no' }) })
  place.api.breakWatches()
  await vi.waitFor(() => expect(place.notes).toHaveLength(3))
  const asked = place.api.calls.length
  await clock.sleep(30_000)
  expect(place.api.calls.length - asked).toBeLessThan(20)
  expect(place.notes.toSorted()).toEqual([
    expect.stringMatching(/^the events in the namespace ci cannot be followed/),
    expect.stringMatching(/^the jobs in/),
    expect.stringMatching(/^the pods in/),
  ])
  place.api.disturb({})
  await watching()
})

describe('a pod that does not come up is told of once, in the words of Kubernetes:', () => {
  test.each`
    reason                | message
    ${'ImagePullBackOff'} | ${'Back-off pulling image "runner:1"'}
    ${'Unschedulable'}    | ${'0/3 nodes are available: 3 Insufficient cpu.'}
  `('$reason', async ({ reason, message }) => {
    place.api.cluster.hinder({ reason, message })
    const { id } = await launched()
    await vi.waitFor(() => expect(place.notes).toHaveLength(1))
    expect(place.notes[0]).toBe(`the runner of Job muster-${id} does not come up: ${reason}: ${message}`)
    place.api.cluster.hinder({ reason, message: `${message} Again.` })
    await clock.sleep(60_000)
    expect(place.notes).toHaveLength(1)
  })

  test('no pod at all, because of a quota', async () => {
    const message = 'Error creating: pods "x" is forbidden: exceeded quota: ci, requested: limits.cpu=2'
    place.api.cluster.podRefusal = message
    await launched()
    await vi.waitFor(() => expect(place.notes).toEqual([expect.stringContaining(`FailedCreate: ${message}`)]))
  })

  test('not one that waits for a moment', async () => {
    place.api.cluster.hinder({ reason: 'ErrImagePull', message: 'try again' })
    await launched()
    await vi.waitFor(() => expect(place.api.cluster.pods.size).toBe(1))
    place.api.cluster.heal()
    await clock.sleep(60_000)
    expect(place.notes).toEqual([])
  })
})

describe('the list', () => {
  test('holds all pages', async () => {
    const requests = await Promise.all(Array.from({ length: 8 }, () => launched()))
    const ids = requests.map(({ id }) => id).sort()
    expect(await dispatcher.running?.(never)).toEqual({ complete: true, dispatches: ids })
  })

  test('is asked for anew when its moment is forgotten between two pages', async () => {
    const requests = await Promise.all(Array.from({ length: 4 }, () => launched()))
    let forgotten = false
    const before = ({ query }: { query: URLSearchParams }) => {
      if (!query.has('continue') || forgotten) return
      forgotten = true
      place.api.cluster.version++
      place.api.cluster.compact()
    }
    place.api.disturb({ before })
    expect((await dispatcher.running?.(never))?.dispatches).toEqual(requests.map(({ id }) => id).sort())
    expect(forgotten).toBe(true)
  })

  test('holds a runner whose Job has gone, until its pod has', async () => {
    const { id } = await launched()
    await vi.waitFor(() => expect(place.api.cluster.started).toHaveLength(1))
    place.api.cluster.lingering = true
    await dispatcher.stop?.(id, never)
    expect(place.api.cluster.jobs.size).toBe(0)
    expect((await dispatcher.running?.(never))?.dispatches).toEqual([id])
    place.api.cluster.pods.clear()
    expect((await dispatcher.running?.(never))?.dispatches).toEqual([])
  })

  test('is not had when we may not, and says why', async () => {
    place.api.denied.add('list pods')
    await expect(dispatcher.running?.(never)).rejects.toThrow(/cannot list resource "pods".*rbac\.yaml/)
  })
})

describe('a stop', () => {
  test('takes the Secret along', async () => {
    const { id } = await launched()
    await dispatcher.stop?.(id, never)
    expect(place.api.cluster.secrets.size).toBe(0)
  })

  test('never hits a Job that was made anew under the name', async () => {
    const { id } = await launched()
    const [name = ''] = place.api.cluster.jobs.keys()
    const anew = { ...place.api.cluster.job(name), spec: { ...place.api.cluster.job(name).spec, suspend: true } }
    place.api.disturb({
      before({ verb }) {
        if (verb !== 'delete') return
        place.api.disturb({})
        place.api.cluster.deleteJob(name)
        place.api.cluster.create('jobs', structuredClone(anew) as typeof anew & { spec: { template: never } })
      },
    })
    await dispatcher.stop?.(id, never)
    expect(place.api.cluster.jobs.has(name)).toBe(true)
  })

  test('that could not be done says so', async () => {
    const { id } = await launched()
    place.api.denied.add('delete jobs')
    await expect(dispatcher.stop?.(id, never)).rejects.toThrow(/cannot delete resource "jobs"/)
  })
})

describe('letting go', () => {
  test('leaves no stream open', async () => {
    await dispatcher.close?.()
    await vi.waitFor(() => expect(place.api.streams).toBe(0))
  })

  test('is not held up by an API server that hangs', async () => {
    place.api.disturb({ before: (_, answer) => void answer.writeHead(200).flushHeaders() })
    const launch = dispatcher.launch(aRequest(), never)
    await vi.waitFor(() => expect(place.api.calls.some(({ verb }) => verb === 'create')).toBe(true))
    const began = performance.now()
    await Promise.all([dispatcher.close?.(), expect(launch).rejects.toMatchObject({ name: 'DispatchUnknown' })])
    expect(performance.now() - began).toBeLessThan(2_000)
  })
})
