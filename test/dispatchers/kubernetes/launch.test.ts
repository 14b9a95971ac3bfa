import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Dispatcher } from '../../../src/dispatchers/dispatcher.ts'
import { quickClock } from '../../support/quick-clock.ts'
import { aRequest, canary, never } from '../contract.ts'
import { answering, broken, once } from './disturbances.ts'
import { aCluster, type KubernetesPlace } from './place.ts'

let place: KubernetesPlace
const opened: Dispatcher[] = []
const open: KubernetesPlace['dispatcher'] = (...how) => {
  const made = place.dispatcher(...how)
  opened.push(made)
  return made
}
beforeEach(async () => {
  place = await aCluster()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((made) => made.close?.()))
  await place.close()
})

const runnersStarted = async () => (await place.started()).length

describe('a start is three writes, and goes on where it stopped:', () => {
  test.each`
    stopped                           | right               | moment
    ${'before the Job was made'}      | ${'create jobs'}    | ${'before'}
    ${'after the Job was made'}       | ${'create jobs'}    | ${'after'}
    ${'before the Secret was made'}   | ${'create secrets'} | ${'before'}
    ${'after the Secret was made'}    | ${'create secrets'} | ${'after'}
    ${'before the Job was let begin'} | ${'patch jobs'}     | ${'before'}
    ${'after the Job was let begin'}  | ${'patch jobs'}     | ${'after'}
  `('$stopped, the outcome is unknown, and asked again it starts one runner', async ({ right, moment }) => {
    const request = aRequest()
    place.api.disturb({ [moment]: once(right, broken) })
    await expect(open().launch(request, never)).rejects.toMatchObject({ name: 'DispatchUnknown' })
    // Another process, as after a crash.
    await expect(open().launch(request, never)).resolves.toEqual({ name: request.name })
    await vi.waitFor(async () => expect(await place.started()).toEqual([request.id]))
    expect(place.api.cluster.jobs.size).toBe(1)
    expect(place.api.cluster.secrets.size).toBe(1)
  })

  test.each`
    stopped                        | right               | moment
    ${'after the Job was made'}    | ${'create jobs'}    | ${'after'}
    ${'after the Secret was made'} | ${'create secrets'} | ${'after'}
  `('$stopped, and asked no more, all of it is removed', async ({ right, moment }) => {
    place.api.disturb({ [moment]: once(right, broken) })
    const dispatcher = open('muster', {}, quickClock(2_000))
    await expect(dispatcher.launch(aRequest(), never)).rejects.toMatchObject({ name: 'DispatchUnknown' })
    expect(place.api.cluster.jobs.size).toBe(1)
    await vi.waitFor(() => expect(place.api.cluster.jobs.size).toBe(0), { timeout: 5_000 })
    expect(place.api.cluster.secrets.size).toBe(0)
    expect(await runnersStarted()).toBe(0)
  })

  test('what is about to be removed is left to whoever goes on with it just then', async () => {
    const { cluster } = place.api
    place.api.disturb({ after: once('create secrets', broken) })
    const dispatcher = open('muster', {}, quickClock(2_000))
    const request = aRequest()
    await expect(dispatcher.launch(request, never)).rejects.toMatchObject({ name: 'DispatchUnknown' })
    const begun = new Promise<void>((resolve) => {
      const before = once('delete jobs', () => {
        cluster.patchJob(cluster.jobs.keys().next().value ?? '', [
          { op: 'replace', path: '/spec/suspend', value: false },
        ])
        resolve()
      })
      place.api.disturb({ before })
    })
    await begun
    await vi.waitFor(() => expect(place.api.calls.filter(({ verb }) => verb === 'delete')).toHaveLength(1))
    expect(await place.living()).toEqual([request.id])
  })

  test('nothing of it runs before all of it is there', async () => {
    place.api.disturb({ before: once('create secrets', broken) })
    await expect(open().launch(aRequest(), never)).rejects.toThrow()
    expect(place.api.cluster.pods.size).toBe(0)
    const [job] = place.api.cluster.jobs.values()
    expect(job?.spec?.suspend).toBe(true)
    expect((await open().running?.(never))?.dispatches).toHaveLength(1)
  })

  test('a Job that somebody suspended later is not taken for half a start', async () => {
    const request = aRequest()
    const clock = quickClock(2_000)
    await open('muster', {}, clock).launch(request, never)
    const [name = ''] = place.api.cluster.jobs.keys()
    place.api.cluster.patchJob(name, [{ op: 'replace', path: '/spec/suspend', value: true }])
    await clock.sleep(20 * 60_000)
    await expect(open().launch(request, never)).resolves.toEqual({ name: request.name })
    expect(place.api.cluster.job(name).spec?.suspend).toBe(true)
  })

  test('a refusal on the way takes the Job back', async () => {
    place.api.denied.add('create secrets')
    await expect(open().launch(aRequest(), never)).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringMatching(
        /making the Secret was answered 403: .*cannot create resource "secrets".*rbac\.yaml/,
      ),
    })
    expect(place.api.cluster.jobs.size).toBe(0)
  })
})

test('a refusal after a try of unknown outcome proves nothing', async () => {
  const request = aRequest()
  const dispatcher = open()
  place.api.disturb({ after: once('patch jobs', broken) })
  await expect(dispatcher.launch(request, never)).rejects.toMatchObject({ name: 'DispatchUnknown' })
  place.api.disturb({ before: once('create jobs', answering(403, 'Forbidden', 'exceeded quota: ci')) })
  await expect(dispatcher.launch(request, never)).rejects.toMatchObject({
    name: 'DispatchUnknown',
    message: expect.stringContaining('exceeded quota: ci'),
  })
  await expect(dispatcher.launch(request, never)).resolves.toEqual({ name: request.name })
  expect(await place.living()).toEqual([request.id])
})

test('a Job that was made anew under the name is neither let begin nor taken back', async () => {
  const { cluster } = place.api
  const before = once('patch jobs', () => {
    const [job] = cluster.jobs.values()
    const anew = structuredClone(job ?? {})
    cluster.deleteJob(job?.metadata?.name ?? '')
    cluster.create('jobs', anew)
  })
  place.api.disturb({ before })
  await expect(open().launch(aRequest(), never)).rejects.toMatchObject({
    name: 'DispatchRefused',
    message: expect.stringContaining('testing value /metadata/uid failed'),
  })
  expect([...cluster.jobs.values()]).toMatchObject([{ spec: { suspend: true } }])
})

test('a refusal does not take back what another process has let begin meanwhile', async () => {
  const request = aRequest()
  const before = once('create secrets', async (call, answer) => {
    await open().launch(request, never)
    answering(403, 'Forbidden', 'exceeded quota: ci')(call, answer)
  })
  place.api.disturb({ before })
  await expect(open().launch(request, never)).rejects.toMatchObject({ name: 'DispatchRefused' })
  expect(await place.living()).toEqual([request.id])
})

describe('a name that is taken', () => {
  test('by another owner is refused, and left alone', async () => {
    const request = aRequest()
    await open().launch(request, never)
    const [job] = place.api.cluster.jobs.values()
    Object.assign(job?.metadata?.annotations ?? {}, { 'muster.internal/owner': 'somebody' })
    await expect(open().launch(request, never)).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringContaining('belongs to somebody, not to the owner "muster"'),
    })
    await open().stop?.(request.id, never)
    expect(place.api.cluster.jobs.size).toBe(1)
  })

  test('by a runner of ours that has ended starts none again', async () => {
    const request = aRequest()
    await open().launch(request, never)
    place.api.cluster.finish(request.id)
    await open().launch(request, never)
    expect(await runnersStarted()).toBe(1)
  })
})

test('the credential comes in the script of the Secret, whatever the environment is', async () => {
  const request = aRequest({ env: { COLOUR: 'blue' } })
  await open('muster', { env: { COLOUR: 'red', DEPLOY_KEY: 'canary-of-the-options' } }).launch(request, never)
  await vi.waitFor(async () => expect(await runnersStarted()).toBe(1))
  const [{ script } = { script: '' }] = place.api.cluster.started
  expect(script).toContain(canary)
  expect(script).toContain("export COLOUR='blue'")
  expect(script).toContain('canary-of-the-options')
  expect(await place.onlooker()).not.toContain('canary-of-the-options')
})
