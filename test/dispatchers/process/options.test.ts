import { expect, test } from 'vitest'
import { processFields, processOptions } from '../../../src/dispatchers/process/options.ts'
import { mapping } from '../../../src/fields/mapping.ts'
import { noLimits } from './place.ts'

const read = (written: Record<string, unknown>) => mapping(processFields()).safeParse(written)
const options = (written: Record<string, unknown> = {}) => processOptions(mapping(processFields()).parse(written))

test('by default nothing is limited but what is kept of the outputs', () => {
  expect(options()).toMatchObject({
    limits: noLimits,
    output: { maxSize: 10 * 2 ** 20, keep: 1, ended: 20, endedAge: 7 * 24 * 3_600_000, endedSize: 100 * 2 ** 20 },
  })
})

test('limits and sizes are read as people write them', () => {
  const limits = { memory: '4GiB', cpu_time: '1h', open_files: 4_096, processes: 500, file_size: '20GB' }
  const output = { max_size: '1MiB', keep: 0, ended: 0, ended_age: 0, ended_size: 0 }
  expect(options({ limits, output })).toMatchObject({
    limits: { memory: 2 ** 32, cpuTime: 3_600_000, openFiles: 4_096, processes: 500, fileSize: 20e9 },
    output: { maxSize: 2 ** 20, keep: 0, ended: 0, endedAge: 0, endedSize: 0 },
  })
})

test.each`
  written                             | told
  ${{ limits: { memory: '4 MiB' } }}  | ${/^expected a size from 16777216 to .* bytes, such as 1MiB, found "4 MiB"/}
  ${{ limits: { memory: 'much' } }}   | ${/^expected a size/}
  ${{ limits: { cpu_time: '10ms' } }} | ${/^expected a duration .*above 0/}
  ${{ limits: { open_files: 0 } }}    | ${/^expected a whole number from 16 to 1048576, found 0/}
  ${{ limits: { processes: '9' } }}   | ${/^expected a whole number/}
  ${{ limits: { ram: '4GiB' } }}      | ${/^expected a known key, found "ram"/}
  ${{ limits: 4 }}                    | ${/^expected a mapping, found a number/}
  ${{ output: { max_size: '1kB' } }}  | ${/^expected a size from 4096 to 1073741824 bytes/}
  ${{ output: { keep: -1 } }}         | ${/^expected a whole number from 0 to 100/}
  ${{ output: { ended_age: '7d' } }}  | ${/^expected a duration/}
`('$written is refused', ({ written, told }) => {
  expect(read(written).error?.issues).toEqual([expect.objectContaining({ message: expect.stringMatching(told) })])
})
