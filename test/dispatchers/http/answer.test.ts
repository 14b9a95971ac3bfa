import { expect, test } from 'vitest'
import { readAnswer, retryAt } from '../../../src/dispatchers/http/answer.ts'
import { at } from '../../support/builders.ts'

const now = at('12:00:00')
const read = (status: number, body: string, headers: Record<string, string> = {}) =>
  readAnswer({ status, body, headers }, now)

test.each`
  status | body                            | kind
  ${200} | ${'{"runners":[{"name":"r"}]}'} | ${'accepted'}
  ${202} | ${'{"runners":[{"name":"r"}]}'} | ${'accepted'}
  ${200} | ${'{"runners":[]}'}             | ${'unknown'}
  ${200} | ${'{"runners":[{"name":7}]}'}   | ${'unknown'}
  ${200} | ${'{}'}                         | ${'unknown'}
  ${200} | ${'null'}                       | ${'unknown'}
  ${200} | ${'{"runners":[{"na'}           | ${'unknown'}
  ${200} | ${'<html>Sign in</html>'}       | ${'unknown'}
  ${204} | ${''}                           | ${'unknown'}
  ${301} | ${''}                           | ${'refused'}
  ${400} | ${'{"error":"no labels"}'}      | ${'refused'}
  ${401} | ${''}                           | ${'refused'}
  ${404} | ${'<html>'}                     | ${'refused'}
  ${429} | ${''}                           | ${'refused'}
  ${500} | ${'{"error":"no capacity"}'}    | ${'refused'}
  ${503} | ${'{"error":{"code":"full"}}'}  | ${'refused'}
  ${500} | ${''}                           | ${'unknown'}
  ${500} | ${'{"message":"internal"}'}     | ${'unknown'}
  ${500} | ${'{"error":null}'}             | ${'unknown'}
  ${502} | ${'<html>Bad gateway</html>'}   | ${'unknown'}
  ${504} | ${'upstream timed out'}         | ${'unknown'}
`('$status $body is $kind', ({ status, body, kind }) => {
  expect(read(status, body).kind).toBe(kind)
})

test('the name of the runner is kept, where one is told', () => {
  expect(read(200, '{"runners":[{"name":"nscloud-1"}]}')).toEqual({ kind: 'accepted', name: 'nscloud-1' })
  expect(read(200, '{"runners":[{}]}')).toEqual({ kind: 'accepted', name: null })
})

test("a refusal tells the dispatcher's own words", () => {
  expect(read(500, '{"error":"no capacity"}')).toMatchObject({ reason: 'answered 500: no capacity' })
})

test('a redirect is named with where it leads, and without its query', () => {
  const { kind, ...rest } = read(307, '', { location: 'http://169.254.169.254/latest?token=x' })
  expect(rest).toMatchObject({
    reason: 'answered 307, a redirect to http://169.254.169.254; set "url" to the dispatcher itself',
  })
})

test.each`
  header                             | told
  ${'120'}                           | ${'12:02:00'}
  ${'Mon, 02 Mar 2026 12:01:00 GMT'} | ${'12:01:00'}
  ${'0'}                             | ${'12:00:01'}
  ${'-5'}                            | ${'12:00:01'}
  ${'99999999999999'}                | ${'12:10:00'}
  ${'Mon, 02 Mar 2020 12:00:00 GMT'} | ${'12:00:01'}
`('Retry-After: $header waits until $told', ({ header, told }) => {
  expect(retryAt(header, now)).toBe(at(told))
})

test.each([undefined, '', 'soon'])('Retry-After: %s names no time', (header) => {
  expect(retryAt(header, now)).toBeNull()
})

test('a name that the runner will not bear is none', () => {
  const body = '{"runners":[{"name":"muster-1"}]}'
  expect(read(200, body)).toEqual({ kind: 'accepted', name: 'muster-1' })
  expect(read(200, body, { 'x-muster-names': 'provisional' })).toEqual({ kind: 'accepted', name: null })
})
