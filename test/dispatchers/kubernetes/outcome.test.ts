import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Dispatcher } from '../../../src/dispatchers/dispatcher.ts'
import { aRequest, canary, never } from '../contract.ts'
import { type Call, say } from './api-server.ts'
import { answering, broken, once } from './disturbances.ts'
import { aCluster, type KubernetesPlace, kubeconfigFor } from './place.ts'
import { Refusal } from './status.ts'

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

const kubeconfigWithPlugin = (command: string, ...args: string[]) => {
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command, args }
  return JSON.stringify({ ...JSON.parse(kubeconfigFor(place.api.url)), users: [{ name: 'muster', user: { exec } }] })
}

describe('what an outcome is:', () => {
  const exceeded = 'jobs.batch "x" is forbidden: exceeded quota: ci, requested: count/jobs.batch=1, used: 4, limited: 4'
  test.each`
    fault                             | act                                                                         | outcome              | words
    ${'a quota is used up'}           | ${answering(403, 'Forbidden', exceeded)}                                    | ${'DispatchRefused'} | ${/exceeded quota: ci/}
    ${'the quota was counted twice'}  | ${answering(409, 'Conflict', 'Operation cannot be fulfilled')}              | ${'DispatchUnknown'} | ${/409: Operation cannot/}
    ${'the Job is not valid'}         | ${answering(422, 'Invalid', 'spec.template: Required value')}               | ${'DispatchRefused'} | ${/422: spec\.template/}
    ${'we are asked to come later'}   | ${answering(429, 'TooManyRequests', 'later', { 'retry-after': '7' })}       | ${'DispatchRefused'} | ${/429: later/}
    ${'an admission webhook is down'} | ${answering(500, 'InternalError', 'failed calling webhook')}                | ${'DispatchUnknown'} | ${/500: failed calling webhook/}
    ${'the API server is starting'}   | ${answering(503, 'ServiceUnavailable', 'not ready')}                        | ${'DispatchUnknown'} | ${/503: not ready/}
    ${'a proxy says something'}       | ${(_: Call, answer: ServerResponse) => answer.writeHead(502).end('<html>')} | ${'DispatchUnknown'} | ${/502/}
    ${'the connection breaks'}        | ${broken}                                                                   | ${'DispatchUnknown'} | ${/making the Job failed/}
  `('$fault: $outcome', async ({ act, outcome, words }) => {
    place.api.disturb({ before: once('create jobs', act) })
    await expect(open().launch(aRequest(), never)).rejects.toMatchObject({
      name: outcome,
      message: expect.stringMatching(words),
    })
  })

  test('when we may not: refused, with the way to mend it', async () => {
    place.api.denied.add('create jobs')
    await expect(open().launch(aRequest(), never)).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringMatching(/cannot create resource "jobs".*deploy\/kubernetes\/rbac\.yaml/),
    })
  })

  test('when we are not known: refused', async () => {
    await writeFile(place.kubeconfig, kubeconfigFor(place.api.url).replace(/token":"[^"]*/, 'token":"wrong-token'))
    await expect(open().launch(aRequest(), never)).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringMatching(/401.*no valid credential/),
    })
  })

  test('when the namespace is not there: refused', async () => {
    await expect(open('muster', { namespace: 'elsewhere' }).launch(aRequest(), never)).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringContaining('namespaces "elsewhere" not found'),
    })
  })

  test('when its name is not known: refused', async () => {
    await writeFile(place.kubeconfig, kubeconfigFor('https://cluster.invalid:6443'))
    await expect(open().launch(aRequest(), never)).rejects.toMatchObject({ name: 'DispatchRefused' })
  })

  test('when no answer comes in time: unknown', async () => {
    const within = AbortSignal.timeout.bind(AbortSignal)
    // 15 s, in a test that has not so long.
    const clock = vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => within(ms === 15_000 ? 300 : ms))
    onTestFinished(() => clock.mockRestore())
    place.api.disturb({ before: once('create jobs', () => new Promise(() => undefined)) })
    await expect(open().launch(aRequest(), never)).rejects.toMatchObject({ name: 'DispatchUnknown' })
  })

  test('when nobody listens: refused', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    await new Promise((resolve) => server.close(resolve))
    await writeFile(place.kubeconfig, kubeconfigFor(`http://127.0.0.1:${port}`))
    await expect(open().launch(aRequest(), never)).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })

  test('when the caller gives up after the request left: unknown', async () => {
    const giveUp = new AbortController()
    const before = once('create jobs', (_, answer) => {
      answer.writeHead(200).flushHeaders()
      giveUp.abort()
    })
    place.api.disturb({ before })
    await expect(open().launch(aRequest(), giveUp.signal)).rejects.toMatchObject({ name: 'DispatchUnknown' })
  })

  test('when the caller gives up before it began: refused', async () => {
    const given = AbortSignal.abort()
    await expect(open().launch(aRequest(), given)).rejects.toMatchObject({ name: 'DispatchRefused' })
    expect(place.api.calls.filter(({ verb }) => verb === 'create')).toEqual([])
  })

  test('when the plug-in of the kubeconfig gives no credential: refused', async () => {
    await writeFile(place.kubeconfig, kubeconfigWithPlugin('/no/such/program'))
    await expect(open().launch(aRequest(), never)).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringContaining('ENOENT'),
    })
  })

  test('when the plug-in of the kubeconfig hangs: refused as soon as it is given up', async () => {
    const mark = join(dirname(place.kubeconfig), 'plug-in-ended')
    await writeFile(place.kubeconfig, kubeconfigWithPlugin('sh', '-c', `sleep 2; echo > ${mark}`))
    await expect(open().launch(aRequest(), AbortSignal.timeout(200))).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringContaining('given up before it was sent'),
    })
    expect(existsSync(mark)).toBe(false)
    expect(place.api.calls).toEqual([])
  })

  test('when the Job goes while it is started: refused, and nothing is left', async () => {
    const { cluster } = place.api
    const before = once('patch jobs', () => cluster.deleteJob(cluster.jobs.keys().next().value ?? ''))
    place.api.disturb({ before })
    await expect(open().launch(aRequest(), never)).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringContaining('letting the Job begin was answered 404'),
    })
    expect(cluster.secrets.size).toBe(0)
  })

  test('when the kubeconfig has no such context: refused', async () => {
    await expect(open('muster', { context: 'production' }).launch(aRequest(), never)).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringContaining('no context "production"'),
    })
    expect(place.notes).toEqual([expect.stringContaining('no context "production"')])
  })

  test('when the pod_template has a field that Kubernetes does not know: refused, with its path', async () => {
    const podTemplate = { spec: { containers: [{ name: 'runner', imagePullPolice: 'Always' }] } }
    await expect(open('muster', { podTemplate }).launch(aRequest(), never)).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringContaining('pod_template.spec.containers[0].imagePullPolice'),
    })
    expect(place.api.cluster.jobs.size).toBe(0)
  })

  test('when we are asked to come later, it says until when', async () => {
    place.api.disturb({ before: once('create jobs', answering(429, 'TooManyRequests', '', { 'retry-after': '7' })) })
    const before = Date.now()
    const error = await open()
      .launch(aRequest(), never)
      .catch((refused: { retryAt: number }) => refused)
    expect(error).toMatchObject({ retryAt: expect.any(Number) })
    if ('retryAt' in error) expect(error.retryAt - before).toBeGreaterThanOrEqual(7_000)
  })
})

test('an API server that shows what it was sent shows nothing in an outcome', async () => {
  const act = (call: Call, answer: ServerResponse) =>
    say(answer, 400, new Refusal(400, 'BadRequest', `${canary} ${btoa(canary)} in ${call.path}`).body)
  place.api.disturb({ before: once('create secrets', act) })
  const outcome = open().launch(aRequest(), never)
  await expect(outcome).rejects.toThrow(/answered 400: \*\*\* \*\*\*/)
})
