import { expect, test } from 'vitest'
import { machineType } from '../../src/dispatchers/machine-type.ts'

const gibibyte = 1024 ** 3

test.each`
  written                 | read
  ${null}                 | ${null}
  ${'2x4'}                | ${{ cpus: 2, memory: 4 * gibibyte, platform: null }}
  ${'0.5x1.5'}            | ${{ cpus: 0.5, memory: 1.5 * gibibyte, platform: null }}
  ${'windows/amd64:8x16'} | ${{ cpus: 8, memory: 16 * gibibyte, platform: { os: 'windows', arch: 'amd64' } }}
`('the machine_type $written is $read', ({ written, read }) => {
  expect(machineType(written)).toEqual(read)
})

test.each(['', '2', '2x', 'x4', '0x4', '2x0', '2 x 4', 'large', 'windows:2x4', '-1x4'])(
  'the machine_type "%s" is refused, with an example of one',
  (written) => {
    expect(() => machineType(written)).toThrow(/such as 2x4$/)
  },
)
