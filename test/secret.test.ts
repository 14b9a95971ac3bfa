import { expect, test } from 'vitest'
import { Scrubber, Secret } from '../src/secret.ts'

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
