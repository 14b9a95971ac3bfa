import { http } from 'msw'
import { expect, test } from 'vitest'
import { aJob, base, open } from '../forges/gitea/world.ts'
import { network } from '../support/network.ts'

// Job 1 ends between the second page and the third: 5 moves up to the second page, and the third holds 6 alone. The first page was read once
// more then, and there it stopped: 1, 2, 3, 4 and 6 are as many as the forge still counts. So 5, which was queued, was taken to be over.
test('no queued job is missed when one leaves while the third page of the list is read', async () => {
  const jobs = [1, 2, 3, 4, 5, 6].map((id) => aJob({ id }))
  const forge = open({ jobs, cap: 2 })
  let reads = 0
  network.use(
    http.get(`${base}/*/actions/jobs`, () => {
      if (++reads === 3) jobs.shift()
    }),
  )
  const list = await forge.jobs({ labels: ['linux'], only: null }, new AbortController().signal)
  expect(list).toMatchObject({ complete: true })
  expect(list?.jobs.map(({ id }) => id)).toEqual(['2', '3', '4', '5', '6'])
})
