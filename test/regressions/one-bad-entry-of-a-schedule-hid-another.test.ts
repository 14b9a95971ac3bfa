import { expect, test } from 'vitest'
import { refused, yaml } from '../config/written.ts'

const schedule = (first: string) => `schedule: [${first}, { cron: "* * * * *", min_idle: 30 }]`
const tooMany = (place: string) =>
  `autoscaler.yaml:${place} instances[0].targets[0].schedule[1].min_idle: expected at most max (3), found 30, raise max or lower min_idle`

// The bounds of a schedule were checked only where each of its entries could be read, so it took two attempts to find two mistakes.
test('a min_idle beyond max is told beside a cron that is none', () => {
  expect(refused(yaml({ target: ['labels: [a]', 'max: 3', schedule('{ cron: "* * * *", min_idle: 1 }')] }))).toEqual([
    'autoscaler.yaml:8:22 instances[0].targets[0].schedule[0].cron: expected a cron pattern of five fields, such as "0 8 * * 1-5", found "* * * *"',
    tooMany('8:75'),
  ])
})

test('a max that is none says nothing of what is below it', () => {
  expect(
    refused(yaml({ target: ['labels: [a]', 'max: three', schedule('{ cron: "* * * * *", min_idle: 1 }')] })),
  ).toEqual(['autoscaler.yaml:7:9 instances[0].targets[0].max: expected a whole number from 1 to 10000, found "three"'])
})
