import { HttpResponse, http } from 'msw'
import { expect, test } from 'vitest'
import { checkHttp } from '../../../src/dispatchers/http/check.ts'
import { Secret } from '../../../src/secret.ts'
import { network } from '../../support/network.ts'

const api = 'http://dispatcher.example.org/api/v1/dispatch'
const checked = async () => {
  const options = {
    url: new URL('http://dispatcher.example.org'),
    token: new Secret('t0ken'),
    ca: null,
    idempotent: false,
  }
  const [finding, ...more] = await checkHttp(options, new AbortController().signal)
  expect(more).toEqual([])
  return `${finding?.level} ${finding?.check}`
}

test.each`
  status | expected
  ${405} | ${'good dispatcher_reachable'}
  ${404} | ${'good dispatcher_reachable'}
  ${401} | ${'problem dispatcher_token'}
  ${403} | ${'problem dispatcher_token'}
  ${502} | ${'warning dispatcher_reachable'}
`('a dispatcher that answers a question with $status: $expected', async ({ status, expected }) => {
  const asked: string[] = []
  network.use(
    http.all(api, ({ request }) => {
      asked.push(`${request.method} ${request.headers.get('authorization')}`)
      return new HttpResponse(null, { status })
    }),
  )
  expect(await checked()).toBe(expected)
  expect(asked).toEqual(['GET Bearer t0ken'])
})

test('one that nobody answers for is a problem', async () => {
  network.use(http.all(api, () => HttpResponse.error()))
  expect(await checked()).toBe('problem dispatcher_reachable')
})
