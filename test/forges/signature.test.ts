import { sign } from '@octokit/webhooks-methods'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deliveryId, eventName, eventOf, parseJson, signedBy } from '../../src/forges/signature.ts'
import { Secret } from '../../src/secret.ts'
import { signed } from './contract.ts'

const verified = async (...delivered: Parameters<typeof signedBy>) => (await signedBy(...delivered)) !== null

const bytes = (text: string) => new TextEncoder().encode(text)
const secrets = (...values: string[]) => values.map((value) => new Secret(value))
const body = '{"action":"queued"}'
const hex = signed({}, body, 'ours').headers['x-hub-signature-256']?.slice('sha256='.length) ?? ''
const wrong = hex.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))
const check = (headers: Record<string, string>, ...keys: string[]) =>
  verified({ headers, body: bytes(body) }, secrets(...(keys.length > 0 ? keys : ['ours'])))

describe('a signature', () => {
  test("is GitHub's documented one for its documented secret and body", async () => {
    const delivery = {
      headers: { 'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17' },
      body: bytes('Hello, World!'),
    }
    expect(await verified(delivery, secrets("It's a Secret to Everybody"))).toBe(true)
  })

  test('agrees with the signer of octokit on any text', async () => {
    const text = fc.string({ minLength: 1, unit: 'binary' }).filter((text) => text.isWellFormed())
    await fc.assert(
      fc.asyncProperty(text, text, async (secret, text) => {
        const headers = { 'x-hub-signature-256': await sign(secret, text) }
        expect(await verified({ headers, body: bytes(text) }, secrets(secret))).toBe(true)
      }),
    )
  })

  test.each<Record<string, string>>([
    { 'x-hub-signature-256': `sha256=${hex}` },
    { 'x-gitea-signature': hex },
    { 'x-gitea-signature': `sha256=${hex}` },
    { 'x-forgejo-signature': hex },
    { 'x-forgejo-signature': `sha256=${hex}` },
    { 'x-forgejo-signature': hex, 'x-gitea-signature': hex, 'x-hub-signature-256': `sha256=${hex}` },
    { 'x-gitea-signature': '', 'x-hub-signature-256': `sha256=${hex}` },
  ])('is right as %j', async (headers) => {
    expect(await check(headers)).toBe(true)
  })

  test.each<Record<string, string>>([
    {},
    { 'x-gitea-signature': '' },
    { 'x-gitea-signature': '  ' },
    { 'x-gitea-signature': '', 'x-hub-signature-256': 'sha256=' },
    { 'x-hub-signature-256': hex },
    { 'x-hub-signature-256': `sha1=${hex}` },
    { 'x-hub-signature': `sha256=${hex}` },
    { 'x-gitea-signature': wrong },
    { 'x-gitea-signature': hex.slice(1) },
    { 'x-gitea-signature': `${hex}00` },
    { 'x-gitea-signature': 'zz'.repeat(32) },
    { 'x-gitea-signature': hex, 'x-forgejo-signature': wrong },
    { 'x-gitea-signature': wrong, 'x-hub-signature-256': `sha256=${hex}` },
    { 'x-gitea-signature': hex, 'x-hub-signature-256': 'sha256=' },
  ])('is wrong as %j', async (headers) => {
    expect(await check(headers)).toBe(false)
  })

  test('fits any of the secrets in force, each header its own', async () => {
    const other = signed({}, body, 'older').headers['x-hub-signature-256']
    expect(await check({ 'x-gitea-signature': hex, 'x-hub-signature-256': String(other) }, 'older', 'ours')).toBe(true)
    expect(await check({ 'x-gitea-signature': hex, 'x-hub-signature-256': String(other) }, 'ours')).toBe(false)
  })

  test('of an empty secret, or without any secret, lets nobody in', async () => {
    const empty = signed({}, body, '')
    expect(await verified(empty, secrets(''))).toBe(false)
    expect(await verified(empty, [])).toBe(false)
  })

  test('is made over bytes that are no text, too, and over none at all', async () => {
    for (const body of [new Uint8Array([0xff, 0xfe, 0x00, 0x80]), new Uint8Array()]) {
      expect(await verified(signed({}, body, 'ours'), secrets('ours'))).toBe(true)
      expect(await verified(signed({}, body, 'ours'), secrets('theirs'))).toBe(false)
    }
  })

  test('is checked with the other secrets while one cannot be read', async () => {
    const gone = new Secret(() => {
      throw new Error('ENOENT')
    })
    expect(await verified(signed({}, body, 'ours'), [gone, new Secret('ours')])).toBe(true)
    expect(await verified(signed({}, body, 'ours'), [gone])).toBe(false)
  })

  test('of any form is judged without throwing', async () => {
    const header = fc.constantFrom('x-hub-signature-256', 'x-gitea-signature', 'x-forgejo-signature')
    await fc.assert(
      fc.asyncProperty(fc.dictionary(header, fc.string()), fc.uint8Array(), async (headers, body) => {
        expect(await verified({ headers, body }, secrets('ours'))).toBe(false)
      }),
    )
  })
})

describe('a delivery', () => {
  const delivery = (headers: Record<string, string>, text = body) => ({ headers, body: bytes(text) })

  test('is known by the first id header that says something, else by its bytes', () => {
    const names = ['x-gitea-delivery', 'x-github-delivery']
    expect(deliveryId(delivery({ 'x-gitea-delivery': 'a', 'x-github-delivery': 'b' }), names)).toBe('a')
    expect(deliveryId(delivery({ 'x-gitea-delivery': '', 'x-github-delivery': 'b' }), names)).toBe('b')
    expect(deliveryId(delivery({}, ''), names)).toBe(
      'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    )
  })

  test('has the event of the most particular header', () => {
    expect(eventName(delivery({ 'x-forgejo-event': 'one', 'x-gitea-event': 'two' }))).toBe('one')
    expect(eventName(delivery({ 'x-gitea-event': 'two', 'x-github-event': 'three' }))).toBe('two')
    expect(eventName(delivery({ 'x-github-event': 'three' }))).toBe('three')
    expect(eventName(delivery({}))).toBe('')
  })

  test.each([
    [{}, { workflow_job: {} }, 'workflow_job'],
    [{}, { job: {} }, ''],
    [{}, null, ''],
    [{}, 'workflow_job', ''],
    [{ 'x-gitea-event': 'push' }, { workflow_job: {} }, 'push'],
  ])('with the headers %j and the body %j is the event %j', (headers, value, event) => {
    expect(eventOf(delivery(headers), value)).toBe(event)
  })

  test('is read as JSON, whatever its content type says', () => {
    expect(parseJson(delivery({}))).toEqual({ kind: 'parsed', value: { action: 'queued' } })
    expect(parseJson(delivery({ 'content-type': 'text/plain' }))).toMatchObject({ kind: 'parsed' })
  })

  test.each([
    ['a form by its type', { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }, 'a=b'],
    ['a form by its look', {}, 'payload=%7B%7D'],
    ['half a body', {}, '{"action":'],
    ['nothing', {}, ''],
  ])('that is %s is invalid, with the way to mend it', (_, headers, text) => {
    expect(parseJson(delivery(headers, text))).toMatchObject({
      kind: 'invalid',
      problem: expect.stringContaining('content_type: json'),
    })
  })

  test('that is not UTF-8 is invalid', () => {
    expect(parseJson({ headers: {}, body: new Uint8Array([0x22, 0xff, 0x22]) })).toMatchObject({ kind: 'invalid' })
  })
})
