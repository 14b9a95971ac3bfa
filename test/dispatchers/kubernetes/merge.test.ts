import { expect, test } from 'vitest'
import { merged } from '../../../src/dispatchers/kubernetes/merge.ts'

test.each`
  what                                  | base                                          | over                            | result
  ${'what stands above wins'}           | ${1}                                          | ${2}                            | ${2}
  ${'what is left out above stays'}     | ${{ a: 1, b: 2 }}                             | ${{ b: 3 }}                     | ${{ a: 1, b: 3 }}
  ${'mappings are merged in depth'}     | ${{ a: { b: 1 } }}                            | ${{ a: { c: 2 } }}              | ${{ a: { b: 1, c: 2 } }}
  ${'named entries are merged'}         | ${[{ name: 'x', a: 1 }]}                      | ${[{ name: 'x', b: 2 }]}        | ${[{ name: 'x', a: 1, b: 2 }]}
  ${'others stand one after the other'} | ${[{ key: 'a' }]}                             | ${[{ key: 'a' }, { key: 'b' }]} | ${[{ key: 'a' }, { key: 'a' }, { key: 'b' }]}
  ${'two of one name below both stay'}  | ${[{ name: 'v', p: 1 }, { name: 'v', p: 2 }]} | ${[{ name: 'w' }]}              | ${[{ name: 'v', p: 1 }, { name: 'v', p: 2 }, { name: 'w' }]}
  ${'a list takes the place of a text'} | ${'a'}                                        | ${['b']}                        | ${['b']}
  ${'an argument list is one thing'}    | ${['a']}                                      | ${['b']}                        | ${['b']}
`('$what', ({ base, over, result }) => {
  expect(merged(base, over)).toEqual(result)
})
