import { expect, test } from 'vitest'
import { isWithin, type Scope, scopeKey } from '../../src/core/scope.ts'

function scope(text: string): Scope {
  const [level = '', place = ''] = text.split(' ')
  const [owner = null, name = null] = place === '' ? [] : place.split('/')
  return { level: level as Scope['level'], owner, name }
}

test.each`
  inner                | outer               | lies
  ${'repository a/b'}  | ${'repository a/b'} | ${true}
  ${'repository A/B'}  | ${'repository a/b'} | ${true}
  ${'repository a/bc'} | ${'repository a/b'} | ${false}
  ${'organization a'}  | ${'repository a/b'} | ${false}
  ${'repository a/b'}  | ${'organization a'} | ${true}
  ${'repository a/b'}  | ${'user a'}         | ${true}
  ${'repository b/a'}  | ${'organization a'} | ${false}
  ${'user a'}          | ${'organization a'} | ${false}
  ${'instance'}        | ${'organization a'} | ${false}
  ${'user a'}          | ${'instance'}       | ${true}
  ${'repository a/b'}  | ${'instance'}       | ${true}
  ${'organization a'}  | ${'enterprise a'}   | ${false}
  ${'repository a/b'}  | ${'enterprise a'}   | ${false}
  ${'enterprise a'}    | ${'enterprise a'}   | ${true}
`('$inner in $outer: $lies', ({ inner, outer, lies }) => {
  expect(isWithin(scope(inner), scope(outer))).toBe(lies)
})

test('scopes are written as the ancestor writes them, in small letters', () => {
  expect(['instance', 'organization Acme', 'repository Acme/Site'].map((text) => scopeKey(scope(text)))).toEqual([
    'instance',
    'organization:acme',
    'repository:acme/site',
  ])
})
