import { expect, test } from 'vitest'
import { createAnswerCache } from '../../../src/forges/github/answer-cache.ts'

const answer = (body: string) => ({ status: 200, headers: { etag: '"1"' }, body })

test('what was used least recently goes first, when all is full', () => {
  const cache = createAnswerCache({ answer: 10, all: 10 })
  cache.set('a', answer('aaaa'))
  cache.set('b', answer('bbbb'))
  cache.get('a')
  cache.set('c', answer('cccc'))
  expect(['a', 'b', 'c'].filter((url) => cache.get(url))).toEqual(['a', 'c'])
})

test('an answer that has changed takes the place of the old one, and its room', () => {
  const cache = createAnswerCache({ answer: 10, all: 10 })
  for (const body of ['111111', '222222', '333333']) cache.set('a', answer(body))
  cache.set('b', answer('4444'))
  expect(cache.get('a')?.body).toBe('333333')
  expect(cache.get('b')?.body).toBe('4444')
})

test('an answer that grew too large is forgotten', () => {
  const cache = createAnswerCache({ answer: 4, all: 10 })
  cache.set('a', answer('1'))
  cache.set('a', answer('12345'))
  expect(cache.get('a')).toBeUndefined()
})

test('another token begins with nothing, and the same one keeps all', () => {
  const cache = createAnswerCache()
  cache.keepFor('one')
  cache.set('a', answer('aaaa'))
  cache.keepFor('one')
  expect(cache.get('a')).toBeDefined()
  cache.keepFor('two')
  expect(cache.get('a')).toBeUndefined()
})
