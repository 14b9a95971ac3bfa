import { expect, test } from 'vitest'
import { refused } from '../config/written.ts'

const itself = 'expected a value, found an alias of what it stands in'

test('a value that holds itself is refused at its place, however often it does', () => {
  const many = Array(50).fill('*a').join(', ')
  expect(refused(`owner: &a [${many}]\n`)[0]).toBe(`autoscaler.yaml:1:12 owner[0]: ${itself}`)
  expect(refused('&all\ninstances: &i [*i, *all]\nadmin: { tokens: *all }\n')).toEqual([
    `autoscaler.yaml:2:16 instances[0]: ${itself}`,
    `autoscaler.yaml:2:20 instances[1]: ${itself}`,
    `autoscaler.yaml:3:18 admin.tokens: ${itself}`,
  ])
})

test('an alias of what stands beside it is still a value', () => {
  const problems = refused('admin: { tokens: &t [] }\ninstances: *t\nlisen: x\n')
  expect(problems.join('\n')).not.toContain(itself)
})
