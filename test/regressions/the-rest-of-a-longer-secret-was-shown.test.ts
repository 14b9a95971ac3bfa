import { expect, test } from 'vitest'
import { createLog } from '../../src/log.ts'
import { Scrubber, Secret } from '../../src/secret.ts'

// The secrets were taken in the order of the file: the short one left `***-of-the-next-year` of the long one.
test.each([[['a-secret', 'a-secret-of-the-next-year']], [['a-secret-of-the-next-year', 'a-secret']]])(
  'of %o none leaves a rest in the log',
  (values) => {
    const lines: string[] = []
    const scrubber = new Scrubber(values.map((value) => new Secret(value)))
    const log = createLog({ scrubber, write: (line) => lines.push(line) })
    log.info({ signed: 'by a-secret-of-the-next-year.' }, 'or by a-secret.')
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ signed: 'by ***.', msg: 'or by ***.' }),
    ])
  },
)

test('a longer secret that comes later, by rotation, leaves no rest either', () => {
  let value = 'a-secret'
  const secret = new Secret(() => value)
  const scrubber = new Scrubber([secret])
  value = 'a-secret-of-the-next-year'
  secret.reveal()
  expect(scrubber.scrub('a-secret, then a-secret-of-the-next-year')).toBe('***, then ***')
})
