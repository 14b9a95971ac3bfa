import { expect, test } from 'vitest'
import {
  authorization,
  dispatchUrl,
  goDuration,
  launchBody,
  launchHeaders,
} from '../../../src/dispatchers/http/request.ts'
import { Secret } from '../../../src/secret.ts'
import { aRequest } from '../contract.ts'
import { milliseconds } from './place.ts'

test.each`
  ms           | duration
  ${0}         | ${'0ms'}
  ${500}       | ${'500ms'}
  ${1_500}     | ${'1.5s'}
  ${45_000}    | ${'45s'}
  ${1_200_000} | ${'20m0s'}
  ${5_400_000} | ${'1h30m0s'}
  ${3_600_001} | ${'1h0m0.001s'}
`('$ms milliseconds are $duration to Go', ({ ms, duration }) => {
  expect(goDuration(ms)).toBe(duration)
  expect(milliseconds(duration)).toBe(ms)
})

test('what is empty is left out, and the scope is always there', () => {
  expect(launchBody(aRequest({ labels: ['a'], scope: { level: 'organization', owner: 'acme', name: null } }))).toEqual({
    count: 1,
    labels: ['a'],
    ttl: '20m0s',
    scope: { level: 'organization', owner: 'acme' },
  })
})

test('what a target has beside its labels is sent', () => {
  const body = launchBody(aRequest({ machineType: '6x14', image: 'node:26', env: { A: 'b' } }))
  expect(body).toMatchObject({ machine_type: '6x14', image: 'node:26', env: { A: 'b' } })
  expect(body.scope).toEqual({ level: 'repository', owner: 'acme', name: 'widgets' })
})

test.each`
  base                           | url
  ${'http://d:8080'}             | ${'http://d:8080/api/v1/dispatch'}
  ${'http://d:8080/'}            | ${'http://d:8080/api/v1/dispatch'}
  ${'http://d/instances/main//'} | ${'http://d/instances/main/api/v1/dispatch'}
  ${'http://x:SECRET@d/'}        | ${'http://d/api/v1/dispatch'}
`('the API of $base is at $url', ({ base, url }) => {
  expect(dispatchUrl(new URL(base)).href).toBe(url)
})

test.each`
  url                    | token      | header
  ${'http://d'}          | ${null}    | ${undefined}
  ${'http://d'}          | ${'t0k3n'} | ${'Bearer t0k3n'}
  ${'http://x:p%40ss@d'} | ${null}    | ${`Basic ${btoa('x:p@ss')}`}
  ${'http://x:100%25@d'} | ${null}    | ${`Basic ${btoa('x:100%')}`}
  ${'http://x:1%@d'}     | ${null}    | ${`Basic ${btoa('x:1%')}`}
  ${'http://x:y@d'}      | ${'t0k3n'} | ${'Bearer t0k3n'}
`('$url with the token $token asks as $header', ({ url, token, header }) => {
  const options = { url: new URL(url), token: token && new Secret(token) }
  expect(authorization(options).headers.authorization).toBe(header)
})

test('the key is the dispatch, and the job fits into a header', () => {
  expect(launchHeaders(aRequest({ id: 'd1', job: 'main/42' }))).toEqual({
    'idempotency-key': 'd1',
    'x-muster-job': 'main/42',
  })
  expect(launchHeaders(aRequest({ id: 'd1', job: null }))).toEqual({ 'idempotency-key': 'd1' })
  expect(launchHeaders(aRequest({ job: 'büro\n/1' }))['x-muster-job']).toBe('b%C3%BCro%0A/1')
})
