import { afterAll, expect } from 'vitest'
import { leaks, watchAll } from './support/outputs.ts'

watchAll()

afterAll(() => {
  expect(leaks(), 'secrets were found in what the tests of this file let out').toEqual([])
})
