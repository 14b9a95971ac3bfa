import { expect, test } from 'vitest'
import { type JobSpan, jobSpans } from '../../src/core/job-spans.ts'
import { aDispatch, aJob, at } from '../support/builders.ts'

const round = { id: '7', round: 1 }
const ran = aJob({
  ...round,
  state: 'running',
  seenQueuedAt: at('12:00:00'),
  announcedAt: at('12:00:00'),
  announcedBy: 'delivery-1',
  seenRunningAt: at('12:00:30'),
})
const taken = aDispatch({
  job: round,
  ran: round,
  intendedAt: at('12:00:01'),
  sentAt: at('12:00:02'),
  answeredAt: at('12:00:03'),
  tiedAt: at('12:00:20'),
})

/** Each span with its times in seconds after twelve. */
function drawn({ name, from, to, inside }: JobSpan, depth = 0): string[] {
  const seconds = (ms: number) => (ms - at('12:00:00')) / 1_000
  return [
    `${'  '.repeat(depth)}${name} ${seconds(from)}-${seconds(to)}`,
    ...inside.flatMap((one) => drawn(one, depth + 1)),
  ]
}

test('a round that runs tells its way, from the delivery to the runner that took it', () => {
  expect(drawn(jobSpans(ran, [taken]) as JobSpan)).toEqual([
    'job 0-30',
    '  delivery 0-0',
    '  dispatch 1-30',
    '    prepare 1-2',
    '    launch 2-3',
    '    boot 2-20',
    '    pick up 20-30',
  ])
})

test('a round that a look found begins with that', () => {
  const listed = {
    ...ran,
    announcedAt: null,
    announcedBy: null,
    firstSeenAt: at('12:00:10'),
    seenQueuedAt: at('12:00:10'),
  }
  expect(drawn(jobSpans(listed, []) as JobSpan)).toEqual(['job 10-30', '  look 10-10'])
})

test('runners of other rounds are no part of it, and a runner that came of another demand and took it is', () => {
  const foreign = aDispatch({ id: 'other', job: { id: '8', round: 1 } })
  const warm = { ...taken, id: 'warm', job: null }
  expect(jobSpans(ran, [foreign, warm])?.inside.map(({ about }) => about['muster.dispatch'] ?? null)).toEqual([
    null,
    'warm',
  ])
})

test('a round of which no start was seen tells nothing', () => {
  expect(jobSpans({ ...ran, state: 'finished', seenRunningAt: null }, [taken])).toBeNull()
})
