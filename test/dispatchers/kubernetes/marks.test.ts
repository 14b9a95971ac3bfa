import { expect, test } from 'vitest'
import { fitsLabel, jobName, labelsOf, selectorOf } from '../../../src/dispatchers/kubernetes/marks.ts'

const dnsLabel = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

test('a Job is called as its runner', () => {
  expect(jobName('muster', '0a1b2c3d4e5f6g7h')).toBe('muster-0a1b2c3d4e5f6g7h')
})

test.each(['Muster', 'my.team_ci', '-odd-', 'x'.repeat(60), 'ends.', '...'])(
  '%s makes a name that Kubernetes takes',
  (owner) => {
    expect(jobName(owner, 'd1')).toMatch(dnsLabel)
    expect(labelsOf(owner, 'd1')).toEqual({
      'muster.internal/owner': expect.toSatisfy(fitsLabel),
      'muster.internal/dispatch': 'd1',
    })
  },
)

test('two owners are never one', () => {
  const owners = ['muster', 'Muster', 'my.team', 'my-team', 'my_team', 'team-', 'team_', 'team.']
  expect(new Set(owners.map((owner) => jobName(owner, 'd1'))).size).toBe(owners.length)
  expect(new Set(owners.map(selectorOf)).size).toBe(owners.length)
})
