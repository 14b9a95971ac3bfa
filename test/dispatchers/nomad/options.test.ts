import { expect, test } from 'vitest'
import { nomadFields, nomadOptions } from '../../../src/dispatchers/nomad/options.ts'
import { mapping } from '../../../src/fields/mapping.ts'
import type { Reading } from '../../../src/fields.ts'

const reading: Reading = { environment: { NOMAD_TOKEN: 'abcd' }, folder: '.', secrets: [], files: [], warnings: [] }
const read = (written: Record<string, unknown>) =>
  mapping(nomadFields(reading)).transform(nomadOptions).safeParse(written)

test('an address is all that must be written', () => {
  expect(read({ url: 'http://nomad:4646' }).data).toEqual({
    url: new URL('http://nomad:4646'),
    job: 'muster-runner',
    namespace: null,
    region: null,
    token: null,
    ca: null,
    meta: 'full',
    command: null,
  })
})

test('the token is a secret', () => {
  const options = read({ url: 'http://nomad:4646', token_env: 'NOMAD_TOKEN' }).data
  expect(options?.token?.reveal()).toBe('abcd')
  expect(JSON.stringify(options)).not.toContain('abcd')
  expect(reading.secrets).toHaveLength(1)
})

test.each([
  [{}, 'url'],
  [{ url: 'http://nomad:4646', job: 'a/dispatch-b' }, 'job'],
  [{ url: 'http://nomad:4646', meta: 'all' }, 'meta'],
  [{ url: 'http://nomad:4646', command: [] }, 'command'],
])('%j is refused at %s', (written, key) => {
  expect(read(written).error?.issues[0]?.path).toEqual([key])
})
