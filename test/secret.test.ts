import { expect, test } from 'vitest'
import { Scrubber, Secret } from '../src/secret.ts'
import { Canaries } from './support/canaries.ts'

test('a scrubber knows each value of a secret as it comes into use', () => {
  let value = 'first-token'
  const secret = new Secret(() => value)
  const scrubber = new Scrubber([secret])
  value = 'second-token'
  secret.reveal()
  expect(scrubber.scrub('first-token, second-token')).toBe('***, ***')
})

test('a scrubber forgets values that were replaced long ago, and no value that another secret has', () => {
  let value = 'token-0'
  const [hourly, fixed] = [new Secret(() => value), new Secret('token-1')]
  const scrubber = new Scrubber([hourly, fixed])
  for (let hour = 1; hour < 10; hour++) {
    value = `token-${hour}`
    hourly.reveal()
  }
  expect(scrubber.scrub('token-0 token-1 token-8 token-9')).toBe('token-0 *** *** ***')
})

test('a fingerprint tells whether a secret is still the same, and not what it is', () => {
  const print = new Secret('one').fingerprint()
  expect(print).toBe(new Secret('one').fingerprint())
  expect(print).not.toBe(new Secret('two').fingerprint())
  expect(print).toMatch(/^[0-9a-f]{64}$/)
})

const value = 's3cr3t/with "all"'
test.each([
  ['as it is', value],
  ['in a URL', `https://u:${encodeURIComponent(value)}@host/`],
  ['in JSON', JSON.stringify({ password: value })],
  ['in base64', Buffer.from(value).toString('base64')],
  ['in base64 of URLs', Buffer.from(value).toString('base64url')],
  ['behind a user of any length in base64', Buffer.from(`a:${value}`).toString('base64')],
  ['behind another user in base64', Buffer.from(`ab:${value}`).toString('base64')],
  ['amid a text in base64', Buffer.from(`a text with ${value} in its midst`).toString('base64')],
])('a secret is scrubbed %s', (_, text) => {
  const clean = new Scrubber([new Secret(value)]).scrub(`before ${text} behind`)
  expect(clean).toMatch(/^before .*\*\*\*.* behind$/)
  const canaries = new Canaries()
  canaries.add(value)
  expect(canaries.in(clean)).toEqual([])
})

test.each([
  ['Bearer 0123456789abcdef.ghi-jk_l~m', 'Bearer ***'],
  ['Basic dXNlcjpwYXNzd29yZA==', 'Basic ***'],
  ['token ghp_0123456789abcdefghij', 'token ***'],
  ['ghs_0123456789abcdefghij is no token', '*** is no token'],
  ['github_pat_0123456789_abcdefghij', '***'],
  ['token 0123456789abcdef0123456789ABCDEF01234567,', 'token ***,'],
])('what looks like a credential is scrubbed although nobody knows it: %s', (text, clean) => {
  expect(new Scrubber().scrub(text)).toBe(clean)
})

test.each([
  'Bearer realm="muster"',
  'the basic authorization of a bearer',
  `sha256:${'0123456789abcdef'.repeat(4)}`,
  'muster-01jabcdefghjkmnp',
])('ordinary text is left as it is: %s', (text) => {
  expect(new Scrubber([new Secret('abc')]).scrub(text)).toBe(text)
})
