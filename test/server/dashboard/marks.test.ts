import { expect, test } from 'vitest'
import { distance, foreign, span } from '../../../src/server/dashboard/marks.ts'

test.each([
  [0, 'now'],
  [-999, 'now'],
  [-1_000, '1 s ago'],
  [-59_999, '59 s ago'],
  [-60_000, '1 min ago'],
  [-3_600_000, '1 h ago'],
  [-172_800_000, '2 d ago'],
  [20_000, 'in 20 s'],
])('%i ms away is told as "%s"', (ms, words) => {
  expect(distance(ms)).toBe(words)
})

test.each([
  [3, '3 ms'],
  [2_400, '2.4 s'],
  [59_900, '59 s'],
  [200_000, '3 min 20 s'],
  [3_600_000, '1 h'],
  [7_500_000, '2 h 5 min'],
  [180_000_000, '2 d 2 h'],
])('%i ms long is told as "%s"', (ms, words) => {
  expect(span(ms)).toBe(words)
})

test('a name that is cut stays well-formed text', async () => {
  expect(String(await foreign(`${'x'.repeat(4)}👷`, 5))).toContain('xxxx')
  expect(String(await foreign(`${'x'.repeat(4)}👷`, 5)).isWellFormed()).toBe(true)
})
