import { expect, test } from 'vitest'
import { checkSecrets } from '../../src/inspection/secrets.ts'
import { load } from '../config/written.ts'
import { at } from '../support/builders.ts'

const anInstance = () => {
  const [instance] = load(`dispatcher: { kind: process }
instances:
  - name: main
    gitea: { base_url: "https://forge.example.org", token: t0ken }
    scope: { level: organization, owner: acme }
    webhook_secret: [0123456789abcdef0123456789abcdef, fedcba9876543210fedcba9876543210]
    targets: [{ labels: [linux] }]
`).instances
  if (!instance) throw new Error('there is one')
  return instance
}

type Use = { uses: number; last_used_at: string | null }
const iso = (time: string) => new Date(at(time)).toISOString()

function checked(first: Use, second: Use, last: string | null = iso('12:00:00')) {
  const secrets = [first, second].map((use) => ({ source: 'value', ...use }))
  const running = {
    instances: new Map([['main', { name: 'main', webhook: { last_delivery_at: last, secrets } }]]),
    live: new Set<string>(),
  }
  return checkSecrets(anInstance(), running, at('12:00:00')).map(({ level, message }) => `${level}: ${message}`)
}
const unused = { uses: 0, last_used_at: null }
const lately = { uses: 3, last_used_at: iso('11:59:00') }

const longAgo = { uses: 3, last_used_at: iso('12:00:00').replace('2026', '2025') }

test('an old secret that has signed nothing for long may go once the new one has signed', () => {
  expect(checked(lately, longAgo)).toEqual([
    expect.stringMatching(/^good: the last delivery came/),
    expect.stringMatching(/^note: an older secret .* signs nothing any more/),
  ])
})

test('an old secret stays while it signs, and as long as the new one has signed nothing', () => {
  expect(checked(lately, lately)[1]).toMatch(/signed 3 deliveries/)
  expect(checked(unused, longAgo)[1]).toMatch(/signed 3 deliveries/)
  expect(checked(lately, unused)[1]).toMatch(/has signed nothing that is remembered here/)
})

test('that no delivery ever came is a warning', () => {
  expect(checked(unused, unused, null)[0]).toMatch(/^warning: no delivery has come yet/)
})

test('nothing is said of what only the running service knows, where it does not run', () => {
  expect(checkSecrets(anInstance(), null)).toEqual([])
})
