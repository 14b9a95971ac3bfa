import { afterEach, describe, expect, test, vi } from 'vitest'
import { type LabelRules, offered } from '../../src/core/labels.ts'
import { deliveryRecord } from '../../src/delivery-record.ts'
import { readDelivery } from '../../src/forges/delivery.ts'
import type { RawDelivery, Reading } from '../../src/forges/forge.ts'
import { readWorkflowJob } from '../../src/forges/workflow-job.ts'
import { Secret } from '../../src/secret.ts'
import { aTarget, at } from '../support/builders.ts'
import { giteaRules, githubRules } from '../support/snapshot.ts'
import { signed } from './contract.ts'

afterEach(() => vi.restoreAllMocks())

const scope = { level: 'organization', owner: 'acme', name: null } as const
const secrets = [new Secret('the secret in force'), new Secret('the one before it')]
const read = (delivery: RawDelivery) =>
  readDelivery(delivery, { secrets, idHeaders: ['x-gitea-delivery'] }, (_, body) => readWorkflowJob(body, scope))

/** A `workflow_job` of a queued job, as text, with this in its job and beside it. */
function queued(job: object = {}, beside: object = {}): string {
  const workflow_job = { id: 41, status: 'queued', labels: ['linux'], ...job }
  return JSON.stringify({ action: 'queued', workflow_job, repository: { id: 7, full_name: 'acme/widgets' }, ...beside })
}

const send = (body: Uint8Array | string, headers: Record<string, string> = {}) =>
  read(signed({ 'x-gitea-event': 'workflow_job', ...headers }, body, 'the secret in force'))

describe('bytes that nobody signed', () => {
  test.each([
    ['unsigned', {}],
    ['signed by somebody else', signed({}, queued(), 'their secret').headers],
    ['with a signature of another form', { 'x-hub-signature-256': 'sha256=' }],
  ])('reach no parser and no dialect when they come %s', async (_, headers) => {
    const parse = vi.spyOn(JSON, 'parse')
    const tell = vi.fn(() => ({ kind: 'nudge' }) as const)
    const delivery = { headers: { ...headers, 'x-gitea-event': 'push' }, body: Buffer.from(queued()) }
    expect(await readDelivery(delivery, { secrets, idHeaders: [] }, tell)).toEqual({ kind: 'unauthorized' })
    expect(parse).not.toHaveBeenCalled()
    expect(tell).not.toHaveBeenCalled()
  })

  test('cost the same whichever secret they fit, if any', async () => {
    const asked = async (key: string) => {
      const counts = [0, 0, 0]
      const counting = ['one', 'two', 'three'].map(
        (value, index) =>
          new Secret(() => {
            counts[index] = (counts[index] ?? 0) + 1
            return value
          }),
      )
      await readDelivery(signed({}, queued(), key), { secrets: counting, idHeaders: [] }, () => ({ kind: 'nudge' }))
      return counts
    }
    expect(await asked('one')).toEqual([1, 1, 1])
    expect(await asked('three')).toEqual([1, 1, 1])
    expect(await asked('none of them')).toEqual([1, 1, 1])
  })
})

describe('a signed body that is no ordinary JSON', () => {
  const deep = `${'['.repeat(500_000)}${']'.repeat(500_000)}`
  test.each<[string, Uint8Array | string, string]>([
    ['is broken off', queued().slice(0, -5), 'invalid'],
    ['is not UTF-8', Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]), 'invalid'],
    ['has a raw NUL in it', queued().replace('linux', 'li\0nux'), 'invalid'],
    ['is empty', '', 'invalid'],
    ['is null', 'null', 'invalid'],
    ['is a number', '1', 'invalid'],
    ['is half a million brackets deep', deep, 'invalid'],
    [
      'is half a million brackets deep beside the job',
      queued({}, { deep: 0 }).replace('"deep":0', `"deep":${deep}`),
      'jobs',
    ],
    ['has an id beyond 2^53', queued().replace('"id":41', '"id":9007199254740993'), 'invalid'],
    ['begins with a byte order mark', `\ufeff${queued()}`, 'jobs'],
    ['names the event of another kind', queued({}, { ref: 'refs/heads/main', commits: [] }), 'jobs'],
    ['holds unknown fields', queued({ surprise: { a: [1] } }, { more: true }), 'jobs'],
  ])('and %s is told apart without harm', async (_, body, kind) => {
    expect((await send(body)).kind).toBe(kind)
  })

  test('has the last of two keys, as every parser of the forges has it', async () => {
    const body = queued().replace('"id":41', '"id":40,"id":41')
    expect(await send(body)).toMatchObject({ kind: 'jobs', jobs: [{ id: '41' }] })
  })

  test('changes no object but its own', async () => {
    const poison = '"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}'
    await send(queued().replace('"id":41', `"id":41,${poison}`).replace('{"action"', `{${poison},"action"`))
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    expect(Object.prototype).not.toHaveProperty('polluted')
  })

  // Bodies that are packed are not unpacked: a small one could become any size.
  test('and is packed is refused with its hint, whatever its encoding says', async () => {
    const { gzipSync } = await import('node:zlib')
    expect(await send(gzipSync(queued()), { 'content-encoding': 'gzip' })).toMatchObject({
      kind: 'invalid',
      problem: expect.stringContaining('content_type: json'),
    })
  })
})

describe.each<[string, LabelRules]>([
  ['Forgejo and Gitea', giteaRules],
  ['GitHub', githubRules],
])('labels that the author of a workflow made up for %s', (_, rules) => {
  const target = (labels: string[]) => aTarget({ labels, offers: offered(labels, rules) })
  /** Which target takes it; what is refused and what GitHub runs itself has none. */
  const takenBy = (reading: Reading) => {
    if (reading.kind !== 'jobs') return null
    const receiver = { name: 'main', targets: [target(['linux', 'gpu'])], labels: rules }
    const { jobs } = deliveryRecord(reading, receiver, { at: at('12:00:00'), via: 'http', signedBy: null })
    return jobs[0]?.target ?? null
  }

  test.each<[string, unknown]>([
    ['none', undefined],
    ['null', null],
    ['an empty list', []],
    ['an empty one', ['']],
    ['a space', ['linux', ' ']],
    ['a number', [7]],
    ['a hundred thousand', Array.from({ length: 100_000 }, () => 'linux')],
    ['one of a megabyte', ['linux', 'x'.repeat(1_000_000)]],
    ['control characters', ['linux\u0000', 'lin\u001b[31mux', 'linux\n{"level":60}']],
    ['characters that turn the text', ['\u202elinux']],
    ['the names of what every object has', ['__proto__', 'constructor', 'toString']],
    ['an option', ['linux', '--privileged']],
    ['an option with a mount', ['linux', '-v/:/h']],
    ['a command', ['linux', '$(id)']],
    ['another command', ['linux;id']],
    ['a pattern', ['*']],
    ['an image', ['linux', 'image=evil/image']],
    ['a scheme', ['linux:docker://evil/image']],
    ['a size', ['linux', 'machine_type=64x256']],
  ])('are %s: no target takes them', async (_, labels) => {
    expect(takenBy(await send(queued({ labels })))).toBeNull()
  })

  test('and are all offered are taken, which shows that the others were looked at', async () => {
    expect(takenBy(await send(queued({ labels: ['linux', 'gpu'] })))).toBe('linux')
  })
})
