import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matchesGlob } from '../../src/core/glob.ts'

describe('a pattern', () => {
  const words = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '\\', '[', '(', '+', '$'), maxLength: 8 })

  test('stands for itself where it has no star, whatever characters it has', () => {
    fc.assert(
      fc.property(words, words, (pattern, text) => {
        expect(matchesGlob(pattern, text)).toBe(pattern === text)
      }),
    )
  })

  test('fits what its parts enclose, and is as the usual translation has it', () => {
    const patterns = fc.array(words, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('*'))
    fc.assert(
      fc.property(patterns, words, (pattern, text) => {
        const translated = pattern.split('*').map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
        expect(matchesGlob(pattern, text)).toBe(new RegExp(`^${translated.join('.*')}$`, 's').test(text))
      }),
    )
  })

  // Libraries took seconds for such patterns: what counts is how often a character is looked at, not how long it took.
  test.each([
    ['*a*a*a*a*a*a*a*a*b', 'a'.repeat(500)],
    ['*'.repeat(500), 'a'.repeat(500)],
    ['*a'.repeat(250), 'a'.repeat(249)],
    ['*aaaaaaaaaaaaaaaab', 'a'.repeat(500)],
  ])('looks at no character more often than the pattern is long: %s', (pattern, text) => {
    let looks = 0
    const counted = (text: string) =>
      new Proxy([...text], {
        get(characters, key) {
          if (typeof key === 'string' && /^\d+$/.test(key)) looks++
          return Reflect.get(characters, key)
        },
      }) as unknown as string
    matchesGlob(counted(pattern), counted(text))
    expect(looks).toBeGreaterThan(0)
    expect(looks).toBeLessThanOrEqual(4 * pattern.length * text.length)
  })
})
