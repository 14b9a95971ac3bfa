import { expect, test } from 'vitest'
import { aJob, open } from '../forges/forgejo/world.ts'

// Forgejo v11 to v17-dev lists jobs with the highest id first and tells none of their moments. What one look found at once was served in
// that order, so under a full target the jobs that had waited longest went last.
test('jobs that one look of Forgejo finds at once are told oldest first', async () => {
  const forge = open({ jobs: [aJob({ id: 100 }), aJob({ id: 22 }), aJob({ id: 9 })] })
  const list = await forge.jobs({ labels: ['linux'], only: null }, new AbortController().signal)
  expect(list?.jobs.map(({ id }) => id)).toEqual(['9', '22', '100'])
})
